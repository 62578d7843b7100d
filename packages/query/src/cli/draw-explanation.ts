import type { QueryExplanation, TableStats } from "../database/query-result.ts";

const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

/** A size for people, in units of 1,000: `1.2 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** A count with its noun: `1 file`, `2 files`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Draws what a query reads: each table, the partitions kept at each level, files, bytes and requests. */
export function drawExplanation(explanation: QueryExplanation): string {
  const lines: string[] = [];
  for (const table of explanation.tables) lines.push(...drawTableStats(table));
  if (explanation.tables.length === 0) lines.push("no table is read");
  if (explanation.enoughRows !== undefined) {
    lines.push(`a few partitions at a time, until there are ${counted(explanation.enoughRows, "row")}`);
  }
  lines.push(`${counted(explanation.listRequests, "list request")}`);
  if (explanation.unpruned !== undefined) {
    lines.push(`every partition is read: ${explanation.unpruned.split("\n")[0] ?? ""}`);
  }
  return `${lines.join("\n")}\n`;
}

function drawTableStats(table: TableStats): readonly string[] {
  const title = table.table === table.entity ? table.entity : `${table.entity} (as ${table.table})`;
  const keyWidth = Math.max(0, ...table.levels.map(({ key }) => key.length));
  const levels = table.levels.map(
    ({ key, kept, total }) => `├─ ${key.padEnd(keyWidth)}  ${kept} of ${counted(total, "partition")}`,
  );
  const here = table.filesHere < table.files ? `, ${table.filesHere} of them cached` : "";
  const scope = table.levels.length === 0 ? "all " : "";
  return [
    title,
    ...levels,
    `└─ reads ${scope}${counted(table.partitions, "partition")}, ${counted(table.files, "file")}, ${formatBytes(table.bytes)}${here}`,
  ];
}
