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
  const lines = [
    `| Guarantee | ${columns.map(({ name }) => name).join(" | ")} |`,
    `| --- |${columns.map(() => " --- |").join("")}`,
  ];
  for (const [group, cases] of CONFORMANCE_GROUPS) {
    lines.push(`| **${group}** |${columns.map(() => " |").join("")}`);
    for (const { name } of cases) {
      lines.push(`| ${name} | ${columns.map((column) => cell(column, name)).join(" | ")} |`);
    }
  }
  return [...lines, ...reasons.flatMap((reason, i) => ["", `(${i + 1}) ${reason}.`])].join("\n");
}
