import type { BackendAbilities } from "@parquetry/core/backend";
import { arrayOf, type CustomKind, checkArgument, isOfKind, objectWith } from "@parquetry/core/unstable";
import type { ConformanceCase } from "./conformance-case.ts";
import { CONFORMANCE_GROUPS } from "./describe-backend.ts";

/** A column of {@link guaranteeTable}: a backend that the suite was run against. */
export interface GuaranteeColumn {
  /** The backend, or the server behind it. */
  readonly name: string;
  /** The abilities it declares. Default none: it has a dash in the rows of every ability. */
  readonly abilities?: readonly (keyof BackendAbilities)[] | undefined;
  /** Returns why it breaks a guarantee, or undefined where it keeps it. */
  deviation?(guarantee: string): string | undefined;
}

const COLUMNS: CustomKind = {
  expected: 'an array such as [{ name: "memory", abilities: ["hashedReads"] }]',
  is: (value) =>
    isOfKind(arrayOf(objectWith("a column", { name: "string" })), value) &&
    (value as readonly GuaranteeColumn[]).every(
      ({ abilities, deviation }) =>
        (abilities === undefined || isOfKind("strings", abilities)) &&
        (deviation === undefined || isOfKind("function", deviation)),
    ),
};

/**
 * Returns what the suite proves as a markdown table for a README: a row for each guarantee, a column for each backend. Groups
 * about abilities that no column declares are left out.
 *
 * @example
 * ```ts
 * console.log(guaranteeTable([{ name: "memory" }]));
 * ```
 */
export function guaranteeTable(columns: readonly GuaranteeColumn[]): string {
  checkArgument(columns, COLUMNS, "columns", "guaranteeTable");
  const reasons: string[] = [];
  const has = ({ abilities = [] }: GuaranteeColumn, { needs }: ConformanceCase): boolean =>
    needs === undefined || abilities.includes(needs);
  const cell = (column: GuaranteeColumn, tested: ConformanceCase): string => {
    if (!has(column, tested)) return "–";
    const reason = column.deviation?.(tested.name);
    if (reason === undefined) return "yes";
    reasons.push(`${column.name} ${reason}`);
    return `no (${reasons.length})`;
  };
  const rows: string[][] = [["Guarantee", ...columns.map(({ name }) => name)]];
  for (const [group, cases] of CONFORMANCE_GROUPS) {
    if (!cases.some((tested) => columns.some((column) => has(column, tested)))) continue;
    rows.push([`**${group}**`, ...columns.map(() => "")]);
    for (const tested of cases) rows.push([tested.name, ...columns.map((column) => cell(column, tested))]);
  }
  const [head = "", ...body] = aligned(rows);
  const rule = head.replace(/[^|]/g, "-").replaceAll("|-", "| ").replaceAll("-|", " |");
  return [head, rule, ...body, ...reasons.flatMap((reason, i) => ["", `(${i + 1}) ${reason}.`])].join("\n");
}

/** Returns the rows of a markdown table with aligned columns, as formatters do. */
function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(3, ...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) => `| ${row.map((text, i) => text.padEnd(widths[i] ?? 0)).join(" | ")} |`);
}
