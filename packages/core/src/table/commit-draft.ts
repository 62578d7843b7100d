import { createHash } from "node:crypto";
import { deleteAll } from "../bytes/delete-all.ts";
import { joinKey, type Key } from "../bytes/key.ts";
import type { ReplayableBody } from "../bytes/object-body.ts";
import type { ObjectInfo, Preconditions, StorageBackend } from "../bytes/storage-backend.ts";
import { isStorageError, StorageError } from "../bytes/storage-error.ts";
import type { Partition } from "../hive/partition.ts";
import { openByteSource } from "../parquet/byte-source.ts";
import type { ColumnSchema } from "../parquet/column-type.ts";
import { openParquet } from "../parquet/open-parquet.ts";
import { dataFileName, FIRST_FILE_NAME, isLeftover, isOwnFile, newWriteId } from "./committed-files.ts";
import { type DataFile, MANIFEST_NAME } from "./data-file.ts";
import {
  type MadeFrom,
  type ManifestField,
  type ManifestFile,
  manifestFields,
  parseManifest,
  type ReplacedFile,
  renderManifest,
} from "./manifest.ts";
import { lostTo, type PartitionState, readPartitionState } from "./partition-state.ts";

/** A write before it is committed: made once, committed in one attempt or several. */
export interface DraftFile {
  /** The entity. */
  readonly entity: Key;
  /** The partition. */
  readonly partition: Partition;
  /** Its folder. */
  readonly prefix: Key;
  /** The columns of the rows. */
  readonly columns: readonly ColumnSchema[];
  /** What the manifest says of the columns. Default: what `columns` and the earlier manifest say. */
  readonly fields?: readonly ManifestField[] | undefined;
  /** Of which files of another entity the rows are. */
  readonly madeFrom?: MadeFrom | undefined;
  /** The Parquet file, or undefined where there are no rows. */
  readonly data: DraftData | undefined;
}

/** The data file of a draft. */
export interface DraftData {
  /** Its bytes, or how to read them. */
  readonly body: Uint8Array | ReplayableBody;
  /** Their number. */
  readonly sizeBytes: number;
  /** How many rows it has. */
  readonly rows: number;
  /** The SHA-256 of the bytes, in hex. */
  readonly sha256: string;
}

/** How a draft is committed. */
export interface CommitOptions {
  /** Whether the file replaces those that count, or is added to them. */
  readonly overwrite: boolean;
  /** Called before anything is written into an empty folder; what it throws stops the write. */
  readonly onNew?: (() => Promise<void>) | undefined;
  /** Told of files that no longer count and could not be deleted. */
  readonly onLeftover?: ((error: StorageError) => void) | undefined;
  /** Stops the write while it is not committed. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Commits a draft by the protocol of docs/decisions/0003, in one attempt.
 *
 * @throws StorageError `conflict` where another writer committed first: nothing of this write remains; `outcome_unknown`
 * where the store did not say whether it was committed.
 */
export async function commitDraft(
  backend: StorageBackend,
  draft: DraftFile,
  options: CommitOptions,
): Promise<void> {
  const { prefix, partition } = draft;
  let state = await readPartitionState(backend, prefix, partition, options.signal);
  if (state.kind === "bare") {
    await adopt(backend, draft, state, options.signal);
    state = await readPartitionState(backend, prefix, partition, options.signal);
  }
  if (state.kind === "empty") await options.onNew?.();
  if (state.kind === "empty" && draft.data !== undefined)
    await commitFirst(backend, draft, draft.data, options);
  else await commitByManifest(backend, draft, state, options);
}

/** The first write into an empty folder: the file is the commit, the manifest follows. */
async function commitFirst(
  backend: StorageBackend,
  draft: DraftFile,
  { body, sizeBytes, rows, sha256 }: DraftData,
  options: Omit<CommitOptions, "overwrite">,
): Promise<void> {
  const { prefix } = draft;
  const key = joinKey(prefix, FIRST_FILE_NAME);
  try {
    await backend.put(key, body, { sha256, ifNoneMatch: "*", signal: options.signal });
  } catch (error) {
    throw isStorageError(error, "already_exists") ? lostTo(backend, prefix, error) : error;
  }
  const file = { name: FIRST_FILE_NAME, rows, bytes: sizeBytes, sha256 };
  const manifest = render(draft, [file]);
  try {
    // Committed: the caller's signal can only do harm from here on.
    await putManifest(backend, prefix, manifest, undefined, undefined);
  } catch (error) {
    if (!isStorageError(error, "conflict")) throw withoutManifest(backend, prefix, error);
    if (await manifestNames(backend, prefix, sha256)) return;
    // A manifest that was there before the file, or that replaced it since.
    await discard(backend, [key], options);
    throw error;
  }
}

/**
 * Commits one file in the place of exactly the files that it was made of.
 *
 * @throws StorageError `conflict` where others count by now: nothing of this write remains.
 */
export async function commitInPlaceOf(
  backend: StorageBackend,
  draft: DraftFile & { readonly data: DraftData },
  replaced: readonly DataFile[],
  options: Omit<CommitOptions, "overwrite">,
): Promise<void> {
  const { prefix, partition } = draft;
  let state = await readPartitionState(backend, prefix, partition, options.signal);
  if (state.kind === "bare") {
    await adopt(backend, draft, state, options.signal);
    state = await readPartitionState(backend, prefix, partition, options.signal);
  }
  const versions = (files: readonly DataFile[]): string =>
    JSON.stringify(files.map(({ info }) => [info.key, info.etag]).sort());
  if (versions(state.committed()) !== versions(replaced)) throw lostTo(backend, prefix, undefined);
  if (state.kind === "empty") {
    await options.onNew?.();
    return commitFirst(backend, draft, draft.data, options);
  }
  await commitByManifest(backend, draft, state, { ...options, overwrite: true });
}

/**
 * Commits what counts already once more, so that no write in flight can commit any of `state`'s other files, and deletes
 * these.
 *
 * @throws StorageError `conflict` where another writer committed first.
 */
export async function commitAgain(
  backend: StorageBackend,
  entity: Key,
  partition: Partition,
  state: PartitionState,
  options: Omit<CommitOptions, "overwrite">,
): Promise<void> {
  const draft = { entity, partition, prefix: state.prefix, columns: [], data: undefined };
  await commitByManifest(backend, draft, state, { ...options, overwrite: false });
}

/** Every other write: the file under a fresh name, then the manifest, which is the commit, then the old files go. */
async function commitByManifest(
  backend: StorageBackend,
  draft: DraftFile,
  state: PartitionState,
  options: CommitOptions,
): Promise<void> {
  const { overwrite, signal } = options;
  const { prefix, data } = draft;
  const kept = overwrite ? [] : await describeFiles(backend, state, signal);
  const stale = staleFiles(state, kept, overwrite);
  const earlier = overwrite ? undefined : state.manifest?.schema?.fields;
  const writeId = newWriteId();
  const added = joinKey(prefix, dataFileName(writeId));
  if (data !== undefined) await backend.put(added, data.body, { sha256: data.sha256, signal });
  const file = data && {
    name: dataFileName(writeId),
    rows: data.rows,
    bytes: data.sizeBytes,
    sha256: data.sha256,
  };
  const manifest = render(draft, file === undefined ? kept : [...kept, file], { earlier, stale, writeId });
  try {
    await putManifest(backend, prefix, manifest, state.manifestInfo, signal);
  } catch (error) {
    // Where it is known that the commit did not happen, the new file must not stay behind.
    if (data !== undefined && !isStorageError(error, "outcome_unknown")) {
      await discard(backend, [added], options);
    }
    throw error;
  }
  // Seen before the commit: a file of a writer that started later cannot be among them.
  await discard(
    backend,
    stale.map(({ info }) => info.key),
    options,
  );
}

/**
 * The files that do not count after a commit that keeps `kept`: with `overwrite` all others; else what killed writes left,
 * and what an earlier overwrite replaced and could not delete. A file that another system has added since stays.
 */
export function staleFiles(
  state: PartitionState,
  kept: readonly ManifestFile[],
  overwrite: boolean,
): readonly DataFile[] {
  const keptNames = new Set(kept.map(({ name }) => name));
  return state.files.filter(
    (file) => !keptNames.has(file.name) && (overwrite || isLeftover(file, state.manifest)),
  );
}

/** Gives a copied folder a manifest that names what lies there, so that a file added to it does not count too early. */
async function adopt(
  backend: StorageBackend,
  draft: DraftFile,
  state: PartitionState,
  signal: AbortSignal | undefined,
): Promise<void> {
  const files = await describeFiles(backend, state, signal);
  const manifest = render({ entity: draft.entity, columns: [] }, files);
  await putManifest(backend, draft.prefix, manifest, undefined, signal);
}

interface RenderedManifest {
  readonly writeId: string;
  readonly bytes: Uint8Array;
}

function render(
  { entity, columns, fields: given, madeFrom }: Omit<DraftFile, "partition" | "prefix" | "data">,
  files: readonly ManifestFile[],
  facts: {
    readonly earlier?: readonly ManifestField[] | undefined;
    readonly stale?: readonly DataFile[];
    readonly writeId?: string;
  } = {},
): RenderedManifest {
  const { earlier, stale = [], writeId = newWriteId() } = facts;
  const fields = given ?? manifestFields(columns, earlier);
  const replaced = stale
    .filter(({ name }) => !isOwnFile(name))
    .map(({ name, info }): ReplacedFile => ({ name, etag: info.etag }));
  const writeTime = new Date();
  const bytes = renderManifest({ entity, fields, files, replaced, madeFrom, writeId, writeTime });
  return { writeId, bytes };
}

/** What the manifest says of the files that an append keeps; files of other systems are read once to say it. */
async function describeFiles(
  backend: StorageBackend,
  state: PartitionState,
  signal: AbortSignal | undefined,
): Promise<readonly ManifestFile[]> {
  const committed = state.committed();
  if (state.manifest?.files !== undefined) return state.manifest.files;
  const described: ManifestFile[] = [];
  for (const { name, format, info } of committed) {
    if (format === "csv") {
      throw new StorageError({
        code: "not_supported",
        op: "write",
        path: info.key,
        backend: backend.name,
        message: `write: cannot add a Parquet file beside ${info.key}, which would hide it. Read the partition and write its rows together with the new ones, which replaces the file.`,
      });
    }
    try {
      const source = await openByteSource(backend, info.key, { known: info, signal });
      const { rowCount } = await openParquet(source);
      const sha256 = createHash("sha256")
        .update(new Uint8Array(await source.slice(0)))
        .digest("hex");
      described.push({ name, rows: rowCount, bytes: info.sizeBytes, sha256 });
    } catch (error) {
      // Another writer replaced it while it was being read.
      if (!isStorageError(error, "not_found") && !isStorageError(error, "precondition_failed")) throw error;
      throw lostTo(backend, state.prefix, error);
    }
  }
  return described;
}

/** Swaps the manifest. Where the store cannot say what became of it, the write id in it does. */
async function putManifest(
  backend: StorageBackend,
  prefix: Key,
  { bytes, writeId }: RenderedManifest,
  before: ObjectInfo | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const key = joinKey(prefix, MANIFEST_NAME);
  const condition: Preconditions = before === undefined ? { ifNoneMatch: "*" } : { ifMatch: before.etag };
  try {
    await backend.put(key, bytes, { ...condition, signal });
  } catch (error) {
    if (isStorageError(error, "already_exists") || isStorageError(error, "precondition_failed")) {
      throw lostTo(backend, prefix, error);
    }
    if (!isStorageError(error, "outcome_unknown")) throw error;
    const { body } = await backend.get(key);
    if (parseManifest(await body.bytes(), key).write_id !== writeId) throw error;
  }
}

/** Whether the manifest that is there counts the first file with this content: then its write is committed. */
async function manifestNames(backend: StorageBackend, prefix: Key, sha256: string): Promise<boolean> {
  const key = joinKey(prefix, MANIFEST_NAME);
  const { body } = await backend.get(key);
  const { files } = parseManifest(await body.bytes(), key);
  if (files === undefined) return true;
  return files.some((file) => file.name === FIRST_FILE_NAME && file.sha256 === sha256);
}

/** Deletes files that nobody reads. That it fails changes nothing about the write, so it is told and not thrown. */
async function discard(
  backend: StorageBackend,
  keys: readonly Key[],
  { onLeftover }: Pick<CommitOptions, "onLeftover">,
): Promise<void> {
  if (keys.length === 0) return;
  try {
    await deleteAll(backend, keys);
  } catch (error) {
    if (!isStorageError(error)) throw error;
    onLeftover?.(error);
  }
}

function withoutManifest(backend: StorageBackend, prefix: Key, cause: unknown): StorageError {
  return new StorageError({
    code: "outcome_unknown",
    op: "write",
    path: prefix,
    backend: backend.name,
    message: `write: the rows of ${prefix} are stored and count, but its manifest could not be written. Do not write them again; the next write or repair adds the manifest.`,
    cause,
  });
}
