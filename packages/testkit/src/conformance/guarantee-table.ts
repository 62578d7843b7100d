import { CONFORMANCE_GROUPS } from "./describe-backend.ts";

/** A column of {@link guaranteeTable}: something that the suite was asked about. */
export interface GuaranteeColumn {
  /** The backend, or the server behind it. */
  readonly name: string;
  /** Why it breaks a guarantee, or undefined where it keeps it. */
  deviation?(guarantee: string): string | undefined;
}

/**
 * What the suite proves, as a markdown table: a row for each guarantee, a column for each backend. For a README.
 *
 * @example
 * ```ts
 * console.log(guaranteeTable([{ name: "memory" }]));
 * ```
 */
export function guaranteeTable(columns: readonly GuaranteeColumn[]): string {
  const reasons: string[] = [];
  const cell = (column: GuaranteeColumn, guarantee: string): string => {
    const reason = column.deviation?.(guarantee);
    if (reason === undefined) return "yes";
    reasons.push(`${column.name} ${reason}`);
    return `no (${reasons.length})`;
  };
  const rows: string[][] = [["Guarantee", ...columns.map(({ name }) => name)]];
  for (const [group, cases] of CONFORMANCE_GROUPS) {
    rows.push([`**${group}**`, ...columns.map(() => "")]);
    for (const { name } of cases) rows.push([name, ...columns.map((column) => cell(column, name))]);
  }
  const [head = "", ...body] = aligned(rows);
  const rule = head.replace(/[^|]/g, "-").replaceAll("|-", "| ").replaceAll("-|", " |");
  return [head, rule, ...body, ...reasons.flatMap((reason, i) => ["", `(${i + 1}) ${reason}.`])].join("\n");
}

/** Rows of a markdown table with their columns aligned, as formatters leave them. */
function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(3, ...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) => `| ${row.map((text, i) => text.padEnd(widths[i] ?? 0)).join(" | ")} |`);
}
