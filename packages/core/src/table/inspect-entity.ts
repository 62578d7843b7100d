import { throwIfAborted } from "../bytes/abort.ts";
import { mapOrdered } from "../bytes/concurrency/map-concurrent.ts";
import type { Key } from "../bytes/key.ts";
import { compareKeys } from "../bytes/key-order.ts";
import { collectBytes } from "../bytes/object-body.ts";
import type { OperationOptions, StorageBackend } from "../bytes/storage-backend.ts";
import { isStorageError, type StorageError } from "../bytes/storage-error.ts";
import { decodeCsv } from "../csv/read-csv.ts";
import type { ReadCsvOptions } from "../csv/read-csv-options.ts";
import { openByteSource } from "../parquet/byte-source.ts";
import { typeName } from "../parquet/column-type.ts";
import { openParquet } from "../parquet/open-parquet.ts";
import { committedFiles, strayFiles } from "./committed-files.ts";
import { csvSchema } from "./csv-schema.ts";
import { type DataFile, looksLikeData, openCsvFile } from "./data-file.ts";
import { unknownEntity } from "./entities.ts";
import { type Manifest, parseManifest } from "./manifest.ts";
import { isUnreadable } from "./open-partition.ts";
import { type PartitionFolder, walkPartitions } from "./partition-tree.ts";
import { recognizeReplaced } from "./recognize-replaced.ts";

/** Partitions that are read concurrently. */
const INSPECT_CONCURRENCY = 16;
/** How many values of a key a report names. */
const SHOWN = 20;

/** Options of `inspect`. */
export interface InspectOptions extends OperationOptions {
  /** How the entity's CSV files are read. */
  readonly csv?: ReadCsvOptions | undefined;
  /** Called with the columns of each partition, in the order of the paths. */
  readonly onPartition?: ((partition: PartitionSchema) => void) | undefined;
}

/** The columns of one partition. */
export interface PartitionSchema {
  /** Its path, such as `year=2024/week=1`. */
  readonly path: string;
  /** Its columns and their types, in order. Empty if it has no file, or none that can be read. */
  readonly fields: readonly { readonly name: string; readonly type: string }[];
}

/** One partition key. */
export interface KeyReport {
  /** Its name. */
  readonly key: string;
  /** How many different values it has. */
  readonly values: number;
  /** The first of its values, in path order. */
  readonly examples: readonly (string | null)[];
}

/** The columns of some of the partitions. */
export interface SchemaReport {
  /** The columns and their types, in order. */
  readonly fields: readonly { readonly name: string; readonly type: string }[];
  /** How many partitions have exactly these columns. */
  readonly partitions: number;
  /** The first of these partitions. */
  readonly example: string;
}

/** A column whose type is not the same in every partition. */
export interface ColumnDrift {
  /** Its name. */
  readonly column: string;
  /** Its types, the most frequent first; `absent` for partitions that lack it. */
  readonly types: readonly { readonly type: string; readonly partitions: number; readonly example: string }[];
}

/** The keys, sizes and columns of an entity. */
export interface EntityReport {
  /** The entity. */
  readonly entity: string;
  /** Its partition keys, outermost first. */
  readonly keys: readonly KeyReport[];
  /** How many partitions it has. */
  readonly partitions: number;
  /** How many committed files it has. */
  readonly files: number;
  /** Their size in bytes. */
  readonly bytes: number;
  /** Their rows: taken from the manifests if these have it, else from the files. */
  readonly rows: number;
  /** The different schemas, the most frequent first. Columns that are all null match any type. */
  readonly schemas: readonly SchemaReport[];
  /** The columns whose type differs from partition to partition. */
  readonly drift: readonly ColumnDrift[];
  /**
   * Keys of data files that no read returns: below a folder that is not named `key=value`, in a format that is not read, or
   * added by another system to a folder whose manifest does not list them.
   */
  readonly strays: readonly string[];
  /**
   * Keys of files that hold no rows but that pandas, pyarrow and Spark would read as data, since their names do not begin with
   * `_` or `.`: a `manifest.json`, which `repair` renames, a `README.md`.
   */
  readonly obstacles: readonly string[];
  /** The errors of partitions and files that could not be read. Their rows are not counted. */
  readonly unreadable: readonly StorageError[];
}

interface PartitionFacts {
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
  readonly rows: number;
  readonly fields: readonly { readonly name: string; readonly type: string }[];
  readonly strays: readonly string[];
  readonly unreadable: readonly StorageError[];
}

/**
 * Inspects every partition of an entity: only its manifest if that has everything, else the footers of its files. CSV files
 * are read whole.
 *
 * @throws StorageError `not_found` for an unknown entity.
 */
export async function inspectEntity(
  backend: StorageBackend,
  entity: Key,
  options: InspectOptions = {},
): Promise<EntityReport> {
  const tree = await walkPartitions(backend, entity, { signal: options.signal });
  const { folders, keys } = tree;
  if (folders.length === 0) throw await unknownEntity(backend, entity, "inspect", tree.strays);
  const totals = { files: 0, bytes: 0, rows: 0 };
  const schemas = new Map<
    string,
    { fields: PartitionFacts["fields"]; partitions: number; example: string }
  >();
  const [strays, obstacles]: [string[], string[]] = [[], []];
  for (const { key } of tree.strays)
    (looksLikeData(key.slice(key.lastIndexOf("/") + 1)) ? strays : obstacles).push(key);
  for (const { oldManifest } of folders) if (oldManifest !== undefined) obstacles.push(oldManifest.key);
  const unreadable: StorageError[] = [];
  for await (const facts of mapOrdered(folders, INSPECT_CONCURRENCY, (folder) =>
    factsOf(backend, folder, options),
  )) {
    totals.files += facts.files;
    totals.bytes += facts.bytes;
    totals.rows += facts.rows;
    for (const stray of facts.strays) strays.push(stray);
    for (const each of facts.unreadable) unreadable.push(each);
    options.onPartition?.({ path: facts.path, fields: facts.fields });
    if (facts.fields.length === 0) continue;
    const id = JSON.stringify(facts.fields);
    const known = schemas.get(id);
    if (known === undefined) schemas.set(id, { fields: facts.fields, partitions: 1, example: facts.path });
    else known.partitions++;
  }
  const sorted = [...schemas.values()].sort((a, b) => b.partitions - a.partitions);
  return {
    entity,
    keys: keys.map((key) => keyReport(key, folders)),
    partitions: folders.length,
    ...totals,
    schemas: sorted,
    drift: driftOf(sorted),
    strays: strays.sort(compareKeys),
    obstacles: obstacles.sort(compareKeys),
    unreadable,
  };
}

function keyReport(key: string, folders: readonly PartitionFolder[]): KeyReport {
  const values = new Set<string | null>();
  for (const { partition } of folders) {
    const value = partition.get(key);
    if (value !== undefined) values.add(value);
  }
  return { key, values: values.size, examples: [...values].slice(0, SHOWN) };
}

async function factsOf(
  backend: StorageBackend,
  folder: PartitionFolder,
  options: InspectOptions,
): Promise<PartitionFacts> {
  const path = folder.partition.path();
  const unreadable: StorageError[] = [];
  let manifest: Manifest | undefined;
  let committed: readonly DataFile[];
  try {
    if (folder.manifest !== undefined) {
      const { body } = await backend.get(folder.manifest.key, { signal: options.signal });
      const stored = parseManifest(await body.bytes(), folder.manifest.key);
      manifest = await recognizeReplaced(backend, folder.files, stored, options);
    }
    committed = committedFiles(folder, manifest);
  } catch (error) {
    if (!isStorageError(error, "corrupt") && !isStorageError(error, "not_found")) throw error;
    return { path, files: 0, bytes: 0, rows: 0, fields: [], strays: [], unreadable: [error] };
  }
  const strays = strayFiles(folder.files, committed, manifest).map(({ info }) => info.key);
  const bytes = committed.reduce((sum, { info }) => sum + info.sizeBytes, 0);
  const said = manifest?.schema?.fields;
  if (manifest?.rows !== undefined && said !== undefined) {
    const fields = said.map(({ name, type }) => ({ name, type }));
    return { path, files: committed.length, bytes, rows: manifest.rows, fields, strays, unreadable };
  }
  let rows = 0;
  const fields = new Map<string, string>();
  for (const file of committed) {
    try {
      const found = await readFacts(backend, file, options);
      rows += found.rows;
      for (const { name, type } of found.fields) fields.set(name, type);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      unreadable.push(error);
    }
  }
  const list = [...fields].map(([name, type]) => ({ name, type }));
  return { path, files: committed.length, bytes, rows, fields: list, strays, unreadable };
}

async function readFacts(
  backend: StorageBackend,
  { format, info }: DataFile,
  { csv, signal }: InspectOptions,
): Promise<Pick<PartitionFacts, "rows" | "fields">> {
  if (format === "parquet") {
    const file = await openParquet(await openByteSource(backend, info.key, { known: info, signal }));
    return { rows: file.rowCount, fields: file.fields.map(({ name, type }) => ({ name, type })) };
  }
  const { body } = await backend.get(info.key, { ifMatch: info.etag, signal });
  const opened = await openCsvFile(await collectBytes(body), backend.url(info.key), csv);
  const checkpoint = (): void => throwIfAborted(signal, "inspect", info.key, backend.name);
  const { columns, rows } = await decodeCsv(opened.bytes, backend.url(info.key), opened.options, checkpoint);
  return {
    rows: rows.length,
    fields: csvSchema(columns).map(({ name, type }) => ({ name, type: typeName(type) })),
  };
}

/** Returns the columns that have more than one type, or that some partitions lack. A column that is all null has no type. */
function driftOf(schemas: readonly SchemaReport[]): readonly ColumnDrift[] {
  const names = new Set(schemas.flatMap(({ fields }) => fields.map(({ name }) => name)));
  const drift: ColumnDrift[] = [];
  for (const column of names) {
    const types = new Map<string, { type: string; partitions: number; example: string }>();
    for (const { fields, partitions, example } of schemas) {
      const type = fields.find(({ name }) => name === column)?.type ?? "absent";
      if (type === "null") continue;
      const known = types.get(type);
      if (known === undefined) types.set(type, { type, partitions, example });
      else known.partitions += partitions;
    }
    if (types.size < 2) continue;
    drift.push({ column, types: [...types.values()].sort((a, b) => b.partitions - a.partitions) });
  }
  return drift;
}
