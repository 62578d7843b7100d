import { createHash } from "#platform";
import { abilitiesOf } from "../bytes/abilities.ts";
import { deleteAll } from "../bytes/delete-all.ts";
import { traced } from "../bytes/diagnostics.ts";
import { joinKey, type Key } from "../bytes/key.ts";
import type { ReplayableBody } from "../bytes/object-body.ts";
import type { ObjectInfo, Preconditions, StorageBackend } from "../bytes/storage-backend.ts";
import { isStorageError, StorageError } from "../bytes/storage-error.ts";
import type { Partition } from "../hive/partition.ts";
import { openByteSource } from "../parquet/byte-source.ts";
import type { ColumnSchema } from "../parquet/column-type.ts";
import { openParquet } from "../parquet/open-parquet.ts";
import { dataFileName, FIRST_FILE_NAME, isLeftover, isOwnFile, newWriteId } from "./committed-files.ts";
import { type DataFile, MANIFEST_NAME, pendingFileName } from "./data-file.ts";
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

/** A write before its commit: made once, committed in one attempt or several. */
export interface DraftFile {
  /** The entity. */
  readonly entity: Key;
  /** The partition. */
  readonly partition: Partition;
  /** Its folder. */
  readonly prefix: Key;
  /** The columns of the rows. */
  readonly columns: readonly ColumnSchema[];
  /** The columns for the manifest. Default: those of `columns` and of the earlier manifest. */
  readonly fields?: readonly ManifestField[] | undefined;
  /** The files of another entity from which the rows were made. */
  readonly madeFrom?: MadeFrom | undefined;
  /** The Parquet file, or undefined if the write has no rows. */
  readonly data: DraftData | undefined;
}

/** The data file of a draft. */
export interface DraftData {
  /** Its bytes, or a body that returns them. */
  readonly body: Uint8Array | ReplayableBody;
  /** The number of its bytes. */
  readonly sizeBytes: number;
  /** Its number of rows. */
  readonly rows: number;
  /** The SHA-256 of the bytes, in hex. */
  readonly sha256: string;
}

/** How a draft is committed. */
export interface CommitOptions {
  /** Whether the file replaces the committed files, or is added to them. */
  readonly overwrite: boolean;
  /** The files that must be the committed ones; if others are, the write is a conflict. Default: any. */
  readonly replaced?: readonly DataFile[] | undefined;
  /** Called before anything is written into an empty folder. If it throws, the write stops. */
  readonly onNew?: (() => Promise<void>) | undefined;
  /** Called with the error if replaced files could not be deleted. */
  readonly onLeftover?: ((error: StorageError) => void) | undefined;
  /** Stops the write, unless it is committed already. A put of the manifest that is aborted may still commit it. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Commits a draft by the protocol of docs/decisions/0003, in one attempt. The state of a bare folder is read twice: adopting
 * it changes its manifest.
 *
 * @throws StorageError `conflict` if another writer committed first: nothing of this write remains; `outcome_unknown` if the
 * store did not answer whether it was committed.
 */
export function commitDraft(
  backend: StorageBackend,
  draft: DraftFile,
  options: CommitOptions,
): Promise<void> {
  const { entity, prefix: path, data } = draft;
  return traced(
    "parquetry:commit",
    () => ({
      backend: backend.name,
      entity,
      path,
      rows: data?.rows ?? 0,
      sizeBytes: data?.sizeBytes ?? 0,
      overwrite: options.overwrite,
    }),
    () => commitOnce(backend, draft, options),
  );
}

async function commitOnce(backend: StorageBackend, draft: DraftFile, options: CommitOptions): Promise<void> {
  const { prefix, partition } = draft;
  let state = await readPartitionState(backend, prefix, partition, options.signal);
  if (state.kind === "bare") {
    await adopt(backend, draft, state, options.signal);
    state = await readPartitionState(backend, prefix, partition, options.signal);
  }
  const { replaced } = options;
  if (replaced !== undefined && versionsOf(state.committed()) !== versionsOf(replaced))
    throw lostTo(backend, prefix, undefined);
  if (state.kind === "empty") await options.onNew?.();
  if (state.kind === "empty" && draft.data !== undefined)
    await commitFirst(backend, draft, draft.data, options);
  else await commitByManifest(backend, draft, state, options);
}

/** Identifies versions of files, in any order. */
function versionsOf(files: readonly DataFile[]): string {
  return JSON.stringify(files.map(({ info }) => [info.key, info.etag]).sort());
}

/** Commits the first write into an empty folder: the file is the commit, the manifest follows. */
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
    // The write is committed: from here on, aborting could only do harm.
    await putManifest(backend, prefix, manifest, undefined, undefined);
  } catch (error) {
    if (!isStorageError(error, "conflict")) throw withoutManifest(backend, prefix, error);
    if (await manifestNames(backend, prefix, sha256)) return;
    // The manifest existed before the file, or has replaced it since.
    await discard(backend, [key], options);
    throw error;
  }
}

/**
 * Commits the committed files again, so that no concurrent write can commit any of `state`'s other files, then deletes those.
 *
 * @throws StorageError `conflict` if another writer committed first.
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

/**
 * Commits any other write: stores the file, stores the manifest (the commit), then deletes old files. Where the store can rename,
 * the file has a name that plain readers ignore until old files are deleted.
 */
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
  const renames = abilitiesOf(backend).renames !== undefined;
  const added = joinKey(prefix, renames ? pendingFileName(writeId) : dataFileName(writeId));
  if (data !== undefined) await backend.put(added, data.body, { sha256: data.sha256, signal });
  const file = data && {
    name: dataFileName(writeId),
    rows: data.rows,
    bytes: data.sizeBytes,
    sha256: data.sha256,
  };
  const replaced = describeReplaced(state, stale);
  const manifest = render(draft, file === undefined ? kept : [...kept, file], { earlier, replaced, writeId });
  try {
    await putManifest(backend, prefix, manifest, state.manifestInfo, signal);
  } catch (error) {
    // If the commit certainly did not happen, the new file must not stay behind. A remote store may still carry out a put that was
    // aborted; one that renames is a disk, whose put has ended.
    const mayBeStored = signal?.aborted === true && !renames && !isStorageError(error, "conflict");
    if (data !== undefined && !mayBeStored && !isStorageError(error, "outcome_unknown"))
      await discard(backend, [added], options);
    throw error;
  }
  const published = [
    ...unpublished(state, kept),
    ...(renames && data !== undefined ? [{ from: added, to: joinKey(prefix, dataFileName(writeId)) }] : []),
  ];
  // They were listed before the commit, so none of them belongs to a writer that started later.
  await publish(backend, published, staleKeys(state, stale, kept), options);
  await discardOldManifest(backend, state, options);
}

/** A committed file that gets the name by which plain readers find it. */
interface Publication {
  readonly from: Key;
  readonly to: Key;
}

/** Returns the files among `kept` that their writer was killed before it published, or is about to publish. */
export function unpublished(
  { prefix, files, pending }: PartitionState,
  kept: readonly Pick<ManifestFile, "name">[],
): readonly Publication[] {
  const visible = new Set(files.map(({ name }) => name));
  const wanted = new Set(kept.map(({ name }) => name).filter((name) => !visible.has(name)));
  return pending
    .filter(({ name }) => wanted.has(name))
    .map(({ name, info }) => ({ from: info.key, to: joinKey(prefix, name) }));
}

/** A slow writer may yet publish a pending file that this write replaces, so its later name is deleted after it. */
function staleKeys(
  { prefix }: PartitionState,
  stale: readonly DataFile[],
  kept: readonly Pick<ManifestFile, "name">[],
): readonly Key[] {
  const keptNames = new Set(kept.map(({ name }) => name));
  return stale.flatMap(({ name, info }) => {
    const later = joinKey(prefix, name);
    return later === info.key || keptNames.has(name) ? [info.key] : [info.key, later];
  });
}

/** Publishes committed files and deletes those that they replace. A failure does not affect the write, so it is reported. */
async function publish(
  backend: StorageBackend,
  files: readonly Publication[],
  stale: readonly Key[],
  options: Pick<CommitOptions, "onLeftover">,
): Promise<void> {
  const { renames } = abilitiesOf(backend);
  let left = stale;
  for (const [i, { from, to }] of files.entries()) {
    const removing = i === files.length - 1 ? stale : [];
    try {
      if (renames === undefined) {
        // The folder was copied from a store that renames.
        await backend.copy(from, to);
        await deleteAll(backend, [from]);
      } else {
        await renames.rename(from, to, { removing });
        if (removing.length > 0) left = [];
      }
    } catch (error) {
      if (!isStorageError(error)) throw error;
      // Another writer has published it, or replaced it.
      if (error.code === "not_found") continue;
      options.onLeftover?.(error);
      // Plain readers find the old rows rather than none.
      left = [];
    }
  }
  await discard(backend, left, options);
}

/**
 * Renames the manifest of the Python system, unless a commit has replaced it already, and removes the old name.
 *
 * @throws StorageError `conflict` if another writer committed first.
 */
export async function renameManifest(
  backend: StorageBackend,
  state: PartitionState,
  options: Omit<CommitOptions, "overwrite">,
): Promise<void> {
  const { prefix, manifest, manifestInfo, oldManifest } = state;
  if (oldManifest === undefined) return;
  if (manifestInfo === undefined) {
    const { signal } = options;
    const { body } = await backend.get(oldManifest.key, { ifMatch: oldManifest.etag, signal });
    const rendered = { bytes: await body.bytes(), writeId: manifest?.write_id };
    await putManifest(backend, prefix, rendered, undefined, signal);
  }
  await discardOldManifest(backend, state, options);
}

/**
 * Removes `manifest.json`. It goes after all replaced files: a reader whose listing lacks both manifests, since it was taken
 * in between, then finds none of the replaced files and lists again.
 */
async function discardOldManifest(
  backend: StorageBackend,
  { oldManifest }: PartitionState,
  options: Pick<CommitOptions, "onLeftover">,
): Promise<void> {
  if (oldManifest !== undefined) await discard(backend, [oldManifest.key], options);
}

/**
 * Returns the files to delete after a commit that keeps `kept`: with `overwrite` all others; else those that killed writes
 * left, and those that an earlier write replaced and could not delete. A file that another system has added since stays.
 */
export function staleFiles(
  state: PartitionState,
  kept: readonly Pick<ManifestFile, "name">[],
  overwrite: boolean,
): readonly DataFile[] {
  const keptNames = new Set(kept.map(({ name }) => name));
  const visible = new Set(state.files.map(({ name }) => name));
  return [
    ...state.pending.filter(({ name }) => !keptNames.has(name) || visible.has(name)),
    ...state.files.filter(
      (file) => !keptNames.has(file.name) && (overwrite || isLeftover(file, state.manifest)),
    ),
  ];
}

/** Stores a manifest that names the files of a copied folder, so that a file added to it is not read before its commit. */
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
  readonly writeId: string | undefined;
  readonly bytes: Uint8Array;
}

function render(
  { entity, columns, fields: given, madeFrom }: Omit<DraftFile, "partition" | "prefix" | "data">,
  files: readonly ManifestFile[],
  facts: {
    readonly earlier?: readonly ManifestField[] | undefined;
    readonly replaced?: readonly ReplacedFile[];
    readonly writeId?: string;
  } = {},
): RenderedManifest {
  const { earlier, replaced = [], writeId = newWriteId() } = facts;
  const fields = given ?? manifestFields(columns, earlier);
  const writeTime = new Date();
  const bytes = renderManifest({ entity, fields, files, replaced, madeFrom, writeId, writeTime });
  return { writeId, bytes };
}

/** Describes the files to delete whose names are not Parquetry's, for a later write to recognise them, also in a copy. */
function describeReplaced({ manifest }: PartitionState, stale: readonly DataFile[]): readonly ReplacedFile[] {
  return stale
    .filter(({ name }) => !isOwnFile(name))
    .map(({ name, info: { etag } }): ReplacedFile => {
      const earlier =
        manifest?.files?.find((file) => file.name === name) ??
        manifest?.replaced?.find((file) => file.name === name && file.etag === etag);
      return { name, etag, bytes: earlier?.bytes, sha256: earlier?.sha256 };
    });
}

/** Describes the files that a write keeps, for the manifest. Files of other systems are read once for that. */
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
        message: `write: cannot add a Parquet file next to ${info.key}, since readers would then ignore the CSV file. Read the partition and write its rows together with the new ones, which replaces the file.`,
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
      // Another writer replaced the file while it was being read.
      if (!isStorageError(error, "not_found") && !isStorageError(error, "precondition_failed")) throw error;
      throw lostTo(backend, state.prefix, error);
    }
  }
  return described;
}

/** Stores the manifest by compare-and-swap. If the store's answer is lost, the write id in the stored manifest decides. */
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

/** Returns whether the stored manifest lists the first file with this content: its write is then committed. */
async function manifestNames(backend: StorageBackend, prefix: Key, sha256: string): Promise<boolean> {
  const key = joinKey(prefix, MANIFEST_NAME);
  const { body } = await backend.get(key);
  const { files } = parseManifest(await body.bytes(), key);
  if (files === undefined) return true;
  return files.some((file) => file.name === FIRST_FILE_NAME && file.sha256 === sha256);
}

/** Deletes files that no read returns. A failure does not affect the write, so it is reported and not thrown. */
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
    message: `write: the rows of ${prefix} are stored and committed, but its manifest could not be written. Do not write the rows again; the next write or repair adds the manifest.`,
    cause,
  });
}
