import type { Value } from "../src/map/partitions.ts";

/** A condition on a partition key. */
export function conditionOf(key: string, value: Value): string {
  const name = /^[a-z_][a-z0-9_]*$/.test(key) ? key : `"${key.replaceAll('"', '""')}"`;
  if (value === null) return `${name} IS NULL`;
  return /^(?:0|-?[1-9]\d{0,14})$/.test(value)
    ? `${name} = ${value}`
    : `${name} = '${value.replaceAll("'", "''")}'`;
}
