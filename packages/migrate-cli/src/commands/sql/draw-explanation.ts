import type { QueryExplanation, TableStats } from "@parquetry/query";
import { formatBytes, formatCount, formatCounted, formatFiles } from "../../terminal/format-amount.ts";

/** Draws what a query reads: for each table the partitions kept at each level, files and bytes; then the requests. */
export function drawExplanation(explanation: QueryExplanation): readonly string[] {
  const { tables, stopAfterRows, listRequests, unpruned } = explanation;
  const note = inexactNote(explanation);
  return [
    ...(tables.length === 0 ? ["no table is read"] : tables.flatMap(drawTable)),
    ...(stopAfterRows === undefined
      ? []
      : [`a few partitions at a time, until there are ${formatCounted(stopAfterRows, "row")}`]),
    formatCounted(listRequests, "list request"),
    ...(unpruned === undefined ? [] : [`every partition is read: ${unpruned.split("\n")[0] ?? ""}`]),
    ...(note === undefined ? [] : [note]),
  ];
}

/** Says why a query on a cluster does not read exactly the committed files, where it does not. */
export function inexactNote({ inexact }: Pick<QueryExplanation, "inexact">): string | undefined {
  return inexact === undefined ? undefined : `not exactly the committed files are read: ${inexact}`;
}

function drawTable({
  table,
  entity,
  levels,
  partitions,
  files,
  bytes,
  filesCached = 0,
}: TableStats): readonly string[] {
  const keyWidth = Math.max(0, ...levels.map(({ key }) => key.length));
  const cached = filesCached > 0 ? `, ${formatCount(filesCached)} cached` : "";
  const all = levels.length === 0 && partitions > 1 ? "all " : "";
  return [
    table === entity ? entity : `${entity} (as ${table})`,
    ...levels.map(
      ({ key, kept, total }) =>
        `├─ ${key.padEnd(keyWidth)}  ${formatCount(kept)} of ${formatCounted(total, "partition")}`,
    ),
    `└─ reads ${all}${formatCounted(partitions, "partition")}, ${formatFiles(files)}, ${formatBytes(bytes)}${cached}`,
  ];
}
