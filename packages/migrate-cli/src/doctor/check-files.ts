import {
  abilitiesOf,
  collectBytes,
  isStorageError,
  type ObjectInfo,
  type StorageBackend,
} from "@parquetry/core/backend";
import { mapConcurrent, parsePartitionSegment } from "@parquetry/core/unstable";
import { listSide } from "../listing/list-side.ts";
import { compileSelection } from "../select/selection.ts";
import { hashKey } from "../select/shard.ts";
import { formatBytes, formatCount, formatCounted, formatFiles } from "../terminal/format-amount.ts";
import type { Check } from "./check.ts";
import { NamedCount, quoted } from "./check-names.ts";

/** Parquet files whose ends are read, by two range reads each. The same files are chosen every time. */
export const MAX_ENDS_READ = 1000;
const READ_CONCURRENCY = 16;
/** The smallest Parquet file: the magic at both ends, and the length of the footer. */
const MIN_PARQUET_BYTES = 12;
const TAIL_BYTES = 8;
/** The manifest of a partition of 10,000 files is smaller. */
const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;

/** A file that may be read, and its place in the order in which files are chosen. */
interface Ranked {
  readonly info: ObjectInfo;
  readonly rank: number;
}

/**
 * Checks the files of the tables of a tree: empty and truncated data files, and in partitions manifests that are not Parquetry's,
 * data files that no query reads, for their format or their folder, files that writers have not published, and files that stop
 * other engines. It lists the tree once, and reads the ends of up to {@link MAX_ENDS_READ} Parquet files, and as many manifests.
 *
 * @throws StorageError if the tree cannot be listed.
 */
export async function checkFiles(
  backend: StorageBackend,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly Check[]> {
  const { dataFormat, looksLikeData, parseManifest, publishedName } = await import(
    "@parquetry/core/unstable/tables"
  );
  const { judge } = compileSelection();
  const damaged = new NamedCount();
  const manifests = new NamedCount();
  const obstacles = new NamedCount();
  const strays = new NamedCount();
  const misplaced = new NamedCount();
  const unpublished = new NamedCount();
  let records: Ranked[] = [];
  let sample: Ranked[] = [];
  let dataFiles = 0;
  let parquetFiles = 0;
  for await (const info of listSide(backend, { signal, onUnreadable: () => {} })) {
    const folders = info.key.split("/");
    const name = folders.pop() ?? "";
    if (judge(info.key) !== "selected" || folders.some(isHidden)) continue;
    const isKey = folders.map((folder) => parsePartitionSegment(folder) !== undefined);
    const format = dataFormat(name);
    const isInPartition = isKey.includes(true);
    // Every folder of data files is a table, except the root.
    if (!isInPartition && (format === undefined || folders.length === 0)) continue;
    if (name === "_manifest.json" || name === "manifest.json") {
      records.push({ info, rank: hashKey(info.key) });
      if (records.length >= 2 * MAX_ENDS_READ) records = first(records);
    }
    if (publishedName(name) !== undefined) unpublished.add(info.key);
    if (isHidden(name)) continue;
    if (format !== undefined && isInPartition && isKey.lastIndexOf(false) > isKey.indexOf(true)) {
      misplaced.add(info.key);
      continue;
    }
    if (format === undefined) {
      const list = name === "manifest.json" ? manifests : looksLikeData(name) ? strays : obstacles;
      list.add(info.key);
      continue;
    }
    dataFiles++;
    if (format === "parquet") parquetFiles++;
    if (info.sizeBytes < (format === "parquet" ? MIN_PARQUET_BYTES : 1))
      damaged.add(`${info.key} (${info.sizeBytes} bytes)`);
    else if (format === "parquet") {
      sample.push({ info, rank: hashKey(info.key) });
      if (sample.length >= 2 * MAX_ENDS_READ) sample = first(sample);
    }
  }
  const chosen = first(sample);
  const problems = await mapConcurrent(chosen, READ_CONCURRENCY, async ({ info }) => {
    const problem = await problemOf(backend, info, signal);
    return problem === undefined ? undefined : `${info.key} (${problem})`;
  });
  for (const problem of problems) if (problem !== undefined) damaged.add(problem);
  const foreign = new NamedCount();
  const unread = await mapConcurrent(first(records), READ_CONCURRENCY, async ({ info }) => ({
    key: info.key,
    problem:
      info.sizeBytes > MAX_MANIFEST_BYTES
        ? "too_large"
        : await readingProblem(signal, async () => {
            const { body } = await backend.get(info.key, { ifMatch: info.etag, signal });
            parseManifest(await collectBytes(body), info.key);
            return undefined;
          }),
  }));
  for (const { key, problem } of unread) if (problem !== undefined) foreign.add(key, problem);

  const checks: Check[] = [];
  if (dataFiles > 0) {
    const some = chosen.length < parquetFiles ? `${formatCount(chosen.length)} of ` : "";
    const read = `the ends of ${some}${formatCounted(parquetFiles, "Parquet file")} were read`;
    checks.push(
      damaged.count === 0
        ? {
            name: "partitions: data files",
            status: "ok",
            detail: `${formatFiles(dataFiles)}, none empty or truncated; ${read}`,
          }
        : {
            name: "partitions: data files",
            status: "fail",
            detail: `${damaged.describe("empty, truncated or unreadable")}; ${read}`,
            remedy: `A query that needs one fails. Copy them again from where they came from (parquetry migrate --from SOURCE --to ${quoted(backend.url())} --include FILE --force), or remove them.`,
          },
    );
  }
  const warn = (name: string, list: NamedCount, problem: string, remedy: string, named?: number): void => {
    if (list.count > 0) checks.push({ name, status: "warn", detail: list.describe(problem, named), remedy });
  };
  warn(
    "partitions: manifests",
    manifests,
    "stop pandas, pyarrow and Spark",
    `Rename them to _manifest.json, which engines ignore: parquetry repair --from ${quoted(backend.url())} (--dry-run first).`,
    1, // repair finds them all
  );
  if (foreign.count > 0)
    checks.push({
      name: "partitions: foreign manifests",
      status: "fail",
      detail: foreign.describe("cannot be read as a manifest of Parquetry"),
      remedy: `Queries of their partitions fail. Move them away (${backend.name === "local" ? "mv" : "aws s3 mv"} OLD NEW): without a manifest, all data files of a partition are read.`,
    });
  warn(
    "partitions: unfinished writes",
    unpublished,
    "that other engines do not read, of writers that were killed or are still writing",
    `Run parquetry repair --from ${quoted(backend.url())} (--dry-run first) when no writer is running: it renames a file whose write was committed, and removes the others.`,
  );
  warn(
    "partitions: other files",
    obstacles,
    "stop pandas, pyarrow and Spark",
    "Move them out of the partitions, or rename them: engines ignore names that begin with _.",
  );
  warn(
    "partitions: strays",
    strays,
    "not read by any query",
    "Convert them to Parquet or CSV, or move them out of the partitions.",
  );
  warn(
    "partitions: misplaced files",
    misplaced,
    "not read by any query, since a folder below a partition is none itself",
    "Move each one into the folder of its partition, such as year=2024, or out of the partitions.",
  );
  return checks;
}

/** Looks for files that killed processes left in a directory. They are hidden from every listing. */
export async function checkLeftovers(
  backend: StorageBackend,
  name: string,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly Check[]> {
  const { leftovers } = abilitiesOf(backend);
  if (leftovers === undefined) return [];
  const check = `${name}: leftovers of killed processes`;
  try {
    const found = new NamedCount();
    let bytes = 0;
    for (const leftover of await leftovers.removeAll({ dryRun: true, signal })) {
      found.add(leftover.path);
      bytes += leftover.bytes;
    }
    if (found.count === 0) return [{ name: check, status: "ok", detail: "none" }];
    const remedy = `They only take space. parquetry repair --from ${quoted(backend.url())} removes them (--dry-run first).`;
    return [
      { name: check, status: "warn", detail: `${formatBytes(bytes)}, ${found.describe("left")}`, remedy },
    ];
  } catch (error) {
    if (!isStorageError(error) || error.code === "aborted") throw error;
    return [{ name: check, status: "skip", detail: error.message }];
  }
}

const isHidden = (name: string): boolean => /^[._]/.test(name);

function first<T extends { readonly rank: number }>(sample: readonly T[]): T[] {
  return [...sample].sort((a, b) => a.rank - b.rank).slice(0, MAX_ENDS_READ);
}

/** Returns what is wrong with the ends of a Parquet file. A file that is gone by now has no problem. */
async function problemOf(
  backend: StorageBackend,
  { key, sizeBytes, etag }: ObjectInfo,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const read = async (start: number, end: number): Promise<Buffer> => {
    const { body } = await backend.get(key, { range: { start, end }, ifMatch: etag, signal });
    return Buffer.from(await collectBytes(body));
  };
  return readingProblem(signal, async () => {
    const head = await read(0, 4);
    const tail = await read(sizeBytes - TAIL_BYTES, sizeBytes);
    const magic = tail.toString("latin1", 4);
    // PARE: the footer is encrypted.
    if (!["PAR1", "PARE"].includes(head.toString("latin1"))) return "does not begin as Parquet";
    if (!["PAR1", "PARE"].includes(magic)) return "does not end as Parquet";
    return tail.readUInt32LE() + MIN_PARQUET_BYTES > sizeBytes ? "shorter than its footer" : undefined;
  });
}

/** Returns the problem that a function finds, or the code of the error with which it fails; none for a file that is gone by now. */
async function readingProblem(
  signal: AbortSignal | undefined,
  find: () => Promise<string | undefined>,
): Promise<string | undefined> {
  try {
    return await find();
  } catch (error) {
    if (!isStorageError(error) || signal?.aborted === true || error.code === "unauthenticated") throw error;
    return ["not_found", "precondition_failed"].includes(error.code) ? undefined : error.code;
  }
}
