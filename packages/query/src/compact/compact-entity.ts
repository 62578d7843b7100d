import { createReadStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import {
  HIVE_NULL,
  isStorageError,
  type Key,
  type Partition,
  parseKey,
  type StorageBackend,
  StorageError,
} from "@parquetry/core";
import { mapConcurrent } from "@parquetry/core/unstable";
import {
  type DataFile,
  type MadeFrom,
  type PartitionFolder,
  repairPartition,
  rewritePartition,
  walkPartitions,
} from "@parquetry/core/unstable/tables";
import { deadlineOf, untilDeadline } from "../duckdb/deadline.ts";
import type { DuckDb } from "../duckdb/duckdb.ts";
import type { QueryColumn, ScanTable } from "../duckdb/views/scan-table.ts";
import type { FileSource } from "../files/file-source.ts";
import { foldName } from "../statement/fold-name.ts";
import { nameColumns, typesInFiles } from "../tables/column-names.ts";
import { declaredType, reconcileColumns, variantsOf } from "../tables/reconcile-columns.ts";
import { storedFiles } from "../tables/stored-files.ts";
import type { DeclaredTable, TableFacts } from "../tables/table-facts.ts";
import type {
  CompactedPartition,
  CompactionReport,
  CompactOptions,
  SkippedPartition,
} from "./compact-options.ts";
import { type CompactionPlan, type CompactionStep, identityOf, planCompaction } from "./plan-compaction.ts";
import { madeFrom, noteOf, type TargetState, targetState } from "./target-state.ts";

/** Partitions that are merged concurrently: while DuckDB uses every core for one, the store answers requests for others. */
const CONCURRENCY = 4;

export interface CompactContext {
  readonly backend: StorageBackend;
  readonly duckdb: DuckDb;
  readonly facts: TableFacts;
  readonly declared: DeclaredTable;
  /** Runs something over files; again if writers have replaced them. */
  readonly lookAgain: <T>(run: (source: FileSource) => Promise<T>) => Promise<T>;
}

/** One look at the files. */
interface Look extends CompactContext {
  readonly source: FileSource;
}

/** A plan, with the partitions stored at its target. */
interface FullPlan extends CompactionPlan {
  /** The target's partitions, by path. Empty where the target is the entity itself. */
  readonly there: ReadonlyMap<string, PartitionFolder>;
  /** False where the selection contains only a part of the rows of each partition of the target. */
  readonly isWhole: boolean;
  /** Partitions of one file that contain more files than are committed. A run that was killed may have left them. */
  readonly untidy: readonly PartitionFolder[];
}

/** Merges the files of each partition into one. A failure leaves its partition unchanged and is reported. */
export async function compactEntity(
  context: CompactContext,
  options: CompactOptions,
): Promise<CompactionReport> {
  const { facts } = context;
  const { dryRun = false, signal } = options;
  const plan = await race(options, () =>
    context.lookAgain((source) => makePlan({ ...context, source }, options)),
  );
  const compacted: CompactedPartition[] = [];
  const failed: { partition: string; error: StorageError }[] = [];
  const skipped = [...plan.skipped];
  await mapConcurrent(plan.steps, CONCURRENCY, async (step) => {
    const partition = step.partition.path();
    try {
      let isFirst = true;
      const done = await context.lookAgain(async (source) => {
        const current = { ...context, source };
        const own = isFirst ? plan : await race(options, () => makePlan(current, options, step.partition));
        isFirst = false;
        return compactPartition(current, own, step, options);
      });
      if ("reason" in done) skipped.push(done);
      else {
        compacted.push(done);
        options.onPartition?.(done);
      }
    } catch (error) {
      if (!isStorageError(error) || signal?.aborted === true) throw error;
      failed.push({ partition, error });
    }
  });
  for (const folder of dryRun ? [] : plan.untidy) {
    try {
      await repairPartition(context.backend, facts.entity, folder, { signal });
    } catch (error) {
      if (!isStorageError(error) || signal?.aborted === true) throw error;
      // The writer that was faster has removed them.
      if (error.code !== "conflict") failed.push({ partition: folder.partition.path(), error });
    }
  }
  return { entity: facts.entity, target: plan.target, dryRun, compacted, skipped, failed };
}

/** Runs something that writes nothing; rejects as soon as the signal fires. Commits are not raced: they end by themselves. */
function race<T>(
  { signal }: Pick<CompactOptions, "signal">,
  run: () => Promise<T>,
  discard?: (late: T) => unknown,
): Promise<T> {
  return untilDeadline(deadlineOf({ signal }), run, discard);
}

async function compactPartition(
  context: Look,
  plan: FullPlan,
  { partition }: CompactionStep,
  options: CompactOptions,
): Promise<CompactedPartition | SkippedPartition> {
  const identity = identityOf(partition);
  const path = partition.path();
  const step = plan.steps.find((each) => identityOf(each.partition) === identity);
  if (step === undefined) {
    const [skipped] = plan.skipped;
    return { partition: path, reason: skipped?.reason ?? "it was deleted in the meantime" };
  }
  const target = await race(options, () => targetOf(context, plan, step, options));
  if (target.isDone) {
    const folder = plan.there.get(identity);
    const { backend } = context;
    if (options.dryRun !== true && folder !== undefined && hasMoreThan(folder, target.replaced.length))
      await repairPartition(backend, plan.target, folder, options);
    return { partition: path, reason: "it was made from the same files" };
  }
  const before = {
    partition: path,
    filesBefore: step.files.length,
    bytesBefore: step.files.reduce((sum, { file }) => sum + file.info.sizeBytes, 0),
  };
  if (options.dryRun === true) return before;
  return { ...before, ...(await compactStep(context, plan, { ...step, ...target }, options)) };
}

/** @param only the one partition of the target to plan. Default: all. */
async function makePlan(
  { backend, source, facts }: Look,
  { into, where = {}, signal, sortBy = [] }: CompactOptions,
  only?: Partition,
): Promise<FullPlan> {
  const allKeys = facts.keys.map(({ name }) => name);
  const columns = new Set([...facts.columns, ...facts.keys].map(({ name }) => foldName(name)));
  checkNames("where", Object.keys(where), allKeys, facts.entity);
  checkNames("into.keys", into?.keys ?? [], allKeys, facts.entity);
  for (const name of sortBy)
    if (!columns.has(foldName(name))) throw unknownName("sortBy", name, facts.entity, [...columns]);
  const target = into === undefined ? facts.entity : parseKey(into.entity, "compact");
  if (into !== undefined && (target === facts.entity || target.startsWith(`${facts.entity}/`)))
    throw wrong(facts.entity, `into.entity must not be inside the entity that is read, got ${target}`);
  const wanted = new Map(
    Object.entries(where).map(([key, value]) => {
      if (typeof value === "function") return [key, value];
      const values = new Set([value].flat().map((item) => String(item).normalize("NFC")));
      return [key, (text: string) => values.has(text === HIVE_NULL ? "" : text.normalize("NFC"))];
    }),
  );
  for (const [key, value] of only?.entries ?? []) {
    const isWanted = wanted.get(key);
    const one = (value ?? HIVE_NULL).normalize("NFC");
    wanted.set(key, (text) => text.normalize("NFC") === one && (isWanted?.(text) ?? true));
  }
  const canMatch = ({ entries }: Partition): boolean =>
    entries.every(([key, value]) => wanted.get(key)?.(value ?? HIVE_NULL) ?? true);
  // As in SQL, a key that a folder lacks is NULL.
  const matches = (folder: Partition): boolean =>
    [...wanted].every(([key, isWanted]) => isWanted(folder.get(key) ?? HIVE_NULL));
  const walk = {
    signal,
    ...(wanted.size === 0
      ? {}
      : {
          prune: (level: readonly Partition[]) => level.map(canMatch),
          pruneKeys: new Set(wanted.keys()),
        }),
  };
  const { folders } = await walkPartitions(backend, facts.entity, walk);
  const files = await storedFiles(
    folders.filter(({ partition }) => matches(partition)),
    source,
    { signal, fetch: only && { count: { fetchedFiles: 0, fetchedBytes: 0 } } },
  );
  const plan = planCompaction(target, files, allKeys, into?.keys ?? allKeys);
  if (into === undefined) {
    const merged = new Set(plan.steps.map((step) => identityOf(step.partition)));
    const committed = new Map<string, number>();
    for (const { file } of files) {
      const prefix = file.info.key.slice(0, file.info.key.lastIndexOf("/"));
      committed.set(prefix, (committed.get(prefix) ?? 0) + 1);
    }
    const untidy = folders.filter(
      (folder) =>
        matches(folder.partition) &&
        !merged.has(identityOf(folder.partition)) &&
        hasMoreThan(folder, committed.get(folder.prefix) ?? 0),
    );
    return { ...plan, there: new Map(), isWhole: true, untidy };
  }
  const { folders: there } = await walkPartitions(backend, target, only === undefined ? { signal } : walk);
  if (only === undefined)
    checkLayout(target, there, [allKeys, ...folders.map(({ partition }) => partition.keys)], into.keys);
  return {
    ...plan,
    there: new Map(there.map((folder) => [identityOf(folder.partition), folder])),
    isWhole: Object.keys(where).every((key) => into.keys.includes(key)),
    untidy: [],
  };
}

/**
 * Refuses to write partitions next to those of other keys, as `write` does: a query would read the rows of both.
 *
 * @param sources the keys of the partitions that are read; a partition of a ragged tree has fewer.
 */
function checkLayout(
  target: Key,
  there: readonly PartitionFolder[],
  sources: readonly (readonly string[])[],
  keys: readonly string[],
): void {
  const layoutOf = (names: readonly string[]): string =>
    names.length === 0 ? "not partitioned" : `partitioned by ${names.join(", ")}`;
  const layouts = sources.map((names) => layoutOf(names.filter((name) => keys.includes(name))));
  const other = there
    .map(({ partition }) => layoutOf(partition.keys))
    .find((each) => !layouts.includes(each));
  if (other === undefined) return;
  const problem = `${target} is ${other}, but the partitions to write are ${layouts[0]}`;
  throw wrong(target, `${problem}. Give its keys, or write into another entity`);
}

const hasMoreThan = ({ files, pending }: PartitionFolder, committed: number): boolean =>
  files.length + pending.length > committed;

/** The files that the new file replaces: those it is made from, or those of an earlier run into another entity. */
async function targetOf(
  { duckdb, source, facts }: Look,
  { target, there, isWhole, keyColumns }: FullPlan,
  step: CompactionStep,
  { sortBy = [], signal }: CompactOptions,
): Promise<TargetState & { readonly made: MadeFrom | undefined }> {
  if (target === facts.entity)
    return { isDone: false, replaced: step.files.map(({ file }) => file), made: undefined };
  const made = madeFrom(facts.entity, step, [keyColumns, sortBy]);
  const folder = there.get(identityOf(step.partition));
  return { ...(await targetState(folder, made, isWhole, { duckdb, source }, signal)), made };
}

async function compactStep(
  context: Look,
  plan: CompactionPlan,
  step: CompactionStep & { readonly replaced: readonly DataFile[]; readonly made: MadeFrom | undefined },
  { sortBy = [], signal }: CompactOptions,
): Promise<Pick<CompactedPartition, "bytesAfter" | "rows">> {
  const { backend, duckdb } = context;
  const note = step.made && noteOf(step.made);
  // The keys that do not become columns have one value throughout a partition.
  const keyColumns = new Set(plan.keyColumns.map(foldName));
  const order = sortBy.flatMap((name) =>
    keyColumns.has(foldName(name)) ? [name] : (context.facts.names.inFiles(name) ?? []),
  );
  const { merged, nullColumns } = await race(
    { signal },
    async () => {
      const { table, nullColumns } = await scanTable(context, plan, step, signal);
      return { merged: await duckdb.merge(table, { sortBy: order, note, signal }), nullColumns };
    },
    (late) => rm(late.merged.path, { force: true }).catch(() => {}),
  );
  try {
    const { size } = await stat(merged.path);
    await rewritePartition(
      backend,
      {
        entity: plan.target,
        partition: step.partition,
        replaced: step.replaced,
        madeFrom: step.made,
        nullColumns,
        body: {
          sizeBytes: size,
          open: ({ start, end } = { start: 0 }) =>
            createReadStream(merged.path, end === undefined ? { start } : { start, end: end - 1 }),
        },
      },
      { signal },
    ).catch((error: unknown) => {
      throw isStorageError(error, "conflict") ? overtaken(plan.target, step, error) : error;
    });
    return { bytesAfter: size, rows: merged.rowCount };
  } finally {
    await rm(merged.path, { force: true });
  }
}

/** The error of a partition that a writer has changed before the commit. */
function overtaken(target: Key, { partition }: CompactionStep, cause: StorageError): StorageError {
  const path = [target, partition.path()].filter((part) => part !== "").join("/");
  return new StorageError({
    code: "conflict",
    op: "compact",
    path,
    backend: cause.backend,
    retry: "safe",
    message: `compact: another writer changed ${path} while its files were being merged; it is left as that writer wrote it. Run compact again once its writers have finished.`,
    cause,
  });
}

async function scanTable(
  { duckdb, source, facts, declared }: Look,
  { keyColumns }: CompactionPlan,
  { files }: CompactionStep,
  signal: AbortSignal | undefined,
): Promise<{ readonly table: ScanTable; readonly nullColumns: readonly string[] }> {
  const ready = await source.fetch(files, { signal, count: { fetchedFiles: 0, fetchedBytes: 0 } });
  const exact = new Set(facts.keys.map(({ name }) => name));
  // The new file has the names of the files, not those of SQL.
  const found = nameColumns(await duckdb.groupFiles(ready, { signal }), (name) =>
    exact.has(name) ? undefined : name,
  );
  const types = typesInFiles(declared.columnTypes, facts.names.inFiles);
  const { columns, groups } = await reconcileColumns(duckdb, {
    entity: facts.entity,
    groups: found,
    reference: [],
    declared: types,
    mentions: () => true,
    signal,
  });
  const keys = facts.keys.filter(({ name }) => keyColumns.includes(name));
  checkKeyColumns(facts.entity, keys, columns);
  // As in write: a column that has no type in any of the files is left out, unless the file would have no column.
  const typed = columns.filter(({ name }) => {
    const folded = foldName(name);
    return (
      declaredType(types, folded) !== undefined ||
      variantsOf(found, folded).some(({ type }) => type !== "NULL")
    );
  });
  const stored = typed.length + keys.length > 0 ? typed : columns.slice(0, 1);
  return {
    table: { names: ["parquetry_merge"], columns: stored, keys, groups },
    nullColumns: columns.filter((column) => !stored.includes(column)).map(({ name }) => name),
  };
}

/** A key that becomes a column needs a name that no column of the files has. */
function checkKeyColumns(
  entity: Key,
  keyColumns: readonly QueryColumn[],
  columns: readonly QueryColumn[],
): void {
  for (const { name: key } of keyColumns) {
    const column = columns.find(({ name }) => foldName(name) === foldName(key));
    if (column === undefined) continue;
    const problem = `the files have a column ${column.name}, and a file cannot have the key ${key} as a column next to it: their names differ only in case`;
    throw wrong(entity, `${problem}. Keep ${key} among the keys of into`);
  }
}

function checkNames(option: string, names: readonly string[], known: readonly string[], entity: Key): void {
  for (const name of names) if (!known.includes(name)) throw unknownName(option, name, entity, known);
}

function unknownName(option: string, name: string, entity: Key, known: readonly string[]): StorageError {
  return wrong(
    entity,
    `${option} names ${JSON.stringify(name)}, but ${entity} has ${known.join(", ") || "no keys"}`,
  );
}

function wrong(entity: Key, problem: string): StorageError {
  return new StorageError({
    code: "invalid_argument",
    op: "compact",
    path: entity,
    message: `compact: ${problem}.`,
  });
}
