import type { RepairReport } from "@parquetry/core";
import { abilitiesOf, isStorageError, type LeftoverFile, type StorageError } from "@parquetry/core/backend";
import { getBackend } from "@parquetry/storage/backend";
import { formatBytes, formatCount, formatCounted } from "../terminal/format-amount.ts";
import { formatTable } from "../terminal/format-table.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT_INCOMPLETE, EXIT_OK } from "./exit-codes.ts";
import { NAMES_TOLD } from "./name-lists.ts";
import { openSource } from "./open-places.ts";

/** Flags of `parquetry repair`. */
export interface RepairFlags {
  readonly from?: string;
  readonly dryRun?: boolean;
}

interface Repaired extends RepairReport {
  readonly entity: string;
}

interface Failed {
  readonly entity: string;
  readonly error: StorageError;
}

/**
 * `parquetry repair [entity]`: removes what killed writes left, and renames old manifests; without an entity in all of them, and
 * then it also removes the temporary files of killed processes.
 * Exit code 1 if a partition is broken or an entity failed.
 */
export async function repairCommand(
  context: CommandContext,
  { from, dryRun = false }: RepairFlags,
  entity?: string,
): Promise<number> {
  const { env, envPrefix, interrupt, json, terminal } = context;
  const signal = interrupt.abort;
  const backend = from === undefined ? await getBackend({ env, envPrefix }) : await openSource(context, from);
  const { Storage } = await import("@parquetry/core");
  await using storage = new Storage(backend);
  const entities = entity === undefined ? await storage.listEntities("", { signal }) : [entity];
  const repaired: Repaired[] = [];
  const failed: Failed[] = [];
  // Before the first put into a folder, which would remove them unreported.
  let temporary: readonly LeftoverFile[] = [];
  try {
    const { leftovers } = abilitiesOf(backend);
    if (entity === undefined) temporary = (await leftovers?.removeAll({ dryRun, signal })) ?? [];
  } catch (error) {
    if (!isStorageError(error) || error.code === "aborted") throw error;
    failed.push({ entity: "temporary files", error });
  }
  for (const name of entities) {
    try {
      repaired.push({ entity: name, ...(await storage.repair(name, { dryRun, signal })) });
    } catch (error) {
      // With one entity, there is nothing else to do.
      if (!isStorageError(error) || error.code === "aborted" || entity !== undefined) throw error;
      failed.push({ entity: name, error });
    }
  }
  const isWhole = failed.length === 0 && repaired.every(({ broken }) => broken.length === 0);
  const exitCode = isWhole ? EXIT_OK : EXIT_INCOMPLETE;
  context.emit("summary", { exitCode, place: backend.url(), dryRun, entities: repaired, temporary, failed });
  if (json) return exitCode;
  const [head = "", ...lines] = formatTable(tableOf(repaired), terminal.width);
  if (lines.length > 0) for (const line of [terminal.style("bold", head), ...lines]) terminal.print(line);
  for (const line of listsOf(repaired, temporary, dryRun)) terminal.printText(line);
  for (const { path } of repaired.flatMap(({ strays }) => strays).slice(0, NAMES_TOLD))
    context.warn(`${path}: no read returns this file; move it to a separate partition, or away`);
  for (const { entity: name, error } of failed)
    terminal.tell(`${terminal.mark("red", "failed:")} ${name}: ${error.message}`);
  for (const { message } of repaired.flatMap(({ broken }) => broken).slice(0, NAMES_TOLD))
    terminal.tell(`${terminal.mark("red", "broken:")} ${message}`);
  context.note(headlineOf(repaired, temporary, failed, dryRun));
  return exitCode;
}

function tableOf(repaired: readonly Repaired[]): readonly (readonly string[])[] {
  const head = ["entity", "partitions", "removed", "completed", "published", "renamed", "strays", "broken"];
  return [
    head,
    ...repaired.map(({ entity, partitions, removed, completed, published, renamed, strays, broken }) => [
      entity,
      formatCount(partitions),
      ...[removed, completed, published, renamed, strays, broken].map(({ length }) => formatCount(length)),
    ]),
  ];
}

/** The first names of what is repaired; `--json` has them all. */
function listsOf(
  repaired: readonly Repaired[],
  temporary: readonly LeftoverFile[],
  dryRun: boolean,
): readonly string[] {
  const lists = [
    [
      dryRun ? "would remove" : "removed",
      [...repaired.flatMap(({ removed }) => removed), ...temporary].map(
        ({ path, bytes }) => `${path} (${formatBytes(bytes)})`,
      ),
    ],
    [
      dryRun ? "would show other engines the new rows of" : "showed other engines the new rows of",
      repaired.flatMap(({ published }) => published),
    ],
    [
      dryRun ? "would add the missing manifest of" : "added the missing manifest of",
      repaired.flatMap(({ completed }) => completed),
    ],
    [
      dryRun
        ? "would rename manifest.json to _manifest.json in"
        : "renamed manifest.json to _manifest.json in",
      repaired.flatMap(({ renamed }) => renamed),
    ],
  ] as const;
  return lists.flatMap(([what, names]) => {
    const more = names.length - NAMES_TOLD;
    return [
      ...names.slice(0, NAMES_TOLD).map((name) => `${what} ${name}`),
      ...(more > 0 ? [`${what} ${formatCount(more)} more; --json lists them all`] : []),
    ];
  });
}

function headlineOf(
  repaired: readonly Repaired[],
  temporary: readonly LeftoverFile[],
  failed: readonly Failed[],
  dryRun: boolean,
): string {
  const count = (list: (report: Repaired) => readonly unknown[]): number =>
    repaired.reduce((sum, report) => sum + list(report).length, 0);
  const changes =
    temporary.length +
    count(({ removed, completed, published, renamed }) => [
      ...removed,
      ...completed,
      ...published,
      ...renamed,
    ]);
  const problems = count(({ broken }) => broken) + failed.length;
  const done = dryRun
    ? `${formatCounted(changes, "repair")} to do; nothing was changed`
    : changes === 0
      ? problems === 0
        ? "Nothing to repair"
        : "Nothing was changed"
      : `${formatCounted(changes, "repair")} done`;
  return problems === 0 ? `${done}.` : `${done}. ${formatCounted(problems, "problem")} left, named above.`;
}
