import type { Key } from "../bytes/key.ts";
import { StorageError } from "../bytes/storage-error.ts";
import type { ColumnSchema } from "../parquet/column-type.ts";
import { typeName } from "../parquet/column-type.ts";
import { explainManifest } from "./manifest-shape.ts";

/** The version of the manifest's shape that Parquetry writes. Every version is read. */
export const MANIFEST_SCHEMA_VERSION = 1;

/** One data file in a {@link Manifest}. */
export interface ManifestFile {
  /** Its name in the folder. */
  readonly name: string;
  /** Its number of rows. */
  readonly rows: number;
  /** Its size in bytes. */
  readonly bytes: number;
  /** The SHA-256 of its bytes, in hex. */
  readonly sha256: string;
}

/** A file of another system that a write replaced. It is deleted later, unless it has changed since. */
export interface ReplacedFile {
  /** Its name in the folder. */
  readonly name: string;
  /** The ETag of the replaced version. */
  readonly etag: string;
  /** Its size in bytes, if an earlier manifest listed it. */
  readonly bytes?: number | undefined;
  /** Its SHA-256 in hex, if an earlier manifest listed it. */
  readonly sha256?: string | undefined;
}

/** The files of another entity from which a partition was made. */
export interface MadeFrom {
  /** The other entity. */
  readonly entity: string;
  /** Identifies the versions of its files, and how they were combined. */
  readonly version: string;
}

/** The content of a partition's manifest. Its names are those of the Python system that came first. */
export interface Manifest {
  /** The number of rows in the partition. */
  readonly rows?: number | undefined;
  /** When it was written, in ISO 8601. */
  readonly write_time?: string | undefined;
  /** The entity, such as `raw/plays`. */
  readonly entity?: string | undefined;
  /** The version of this shape. */
  readonly schema_version?: number | string | undefined;
  /** The columns. */
  readonly schema?: { readonly fields: readonly ManifestField[] } | null | undefined;
  /** The id of the write that committed it. Set by Parquetry only. */
  readonly write_id?: string | undefined;
  /** Exactly the committed files. Set by Parquetry only. */
  readonly files?: readonly ManifestFile[] | undefined;
  /** Files of other systems that this write, or an earlier one, replaced and may not have deleted. */
  readonly replaced?: readonly ReplacedFile[] | undefined;
  /** The files of another entity from which exactly these rows were made. A later write removes it. */
  readonly made_from?: MadeFrom | undefined;
}

/** One column in a {@link Manifest}. */
export interface ManifestField {
  /** Its name. */
  readonly name: string;
  /** Its type, as named by the writer of the manifest. */
  readonly type: string;
  /** Whether it may hold nulls. */
  readonly nullable?: boolean | undefined;
}

/**
 * Parses a manifest.
 *
 * @throws StorageError `corrupt` that names the field which does not fit.
 * @example
 * ```ts
 * const { rows, files } = parseManifest(await body.bytes(), info.key);
 * ```
 */
export function parseManifest(bytes: Uint8Array, key: Key): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw corrupt(key, "it is not JSON", cause);
  }
  const problem = explainManifest(json);
  if (problem !== undefined) throw corrupt(key, problem, undefined);
  // The check has shown that it is one.
  return json as Manifest;
}

/** Renders a manifest as the Python system writes it, with what Parquetry adds: `files`, `write_id` and others. */
export function renderManifest(manifest: {
  readonly entity: string;
  readonly fields: readonly ManifestField[];
  readonly files: readonly ManifestFile[];
  readonly replaced: readonly ReplacedFile[];
  readonly madeFrom?: MadeFrom | undefined;
  readonly writeId: string;
  readonly writeTime: Date;
}): Uint8Array {
  const { entity, fields, files, replaced, madeFrom, writeId, writeTime } = manifest;
  const document: Manifest = {
    entity,
    rows: files.reduce((sum, file) => sum + file.rows, 0),
    write_time: writeTime.toISOString(),
    schema_version: MANIFEST_SCHEMA_VERSION,
    schema: { fields },
    write_id: writeId,
    files: [...files],
    replaced: replaced.length === 0 ? undefined : [...replaced],
    made_from: madeFrom,
  };
  return new TextEncoder().encode(`${JSON.stringify(document, undefined, 2)}\n`);
}

/** Returns the fields of a manifest: the earlier ones, updated and extended by the columns of a write. */
export function manifestFields(
  columns: readonly ColumnSchema[],
  earlier: readonly ManifestField[] = [],
): readonly ManifestField[] {
  const fields = new Map(earlier.map((field) => [field.name, field]));
  for (const { name, type } of columns) {
    if (type === "null" && fields.has(name)) continue;
    fields.set(name, { name, type: typeName(type), nullable: true });
  }
  return [...fields.values()];
}

/** Returns the columns without a type: they are NULL throughout every file that the manifest lists, and left out of it. */
export function untypedColumns(manifest: Manifest | undefined): readonly string[] {
  if (manifest?.files === undefined) return [];
  return manifest.schema?.fields.filter(({ type }) => type === "null").map(({ name }) => name) ?? [];
}

/**
 * Returns the columns of a file and, each after its predecessor in the manifest, those that only the manifest has: they are NULL
 * throughout the file. A manifest of another system adds none, since its fields may be of other files.
 */
export function withManifestColumns(
  columns: readonly string[],
  manifest: Manifest | undefined,
): readonly string[] {
  const known = new Set(columns);
  const all = [...columns];
  let next = 0;
  for (const { name } of (manifest?.files && manifest.schema?.fields) ?? []) {
    if (known.has(name)) next = all.indexOf(name) + 1;
    else all.splice(next++, 0, name);
  }
  return all;
}

function corrupt(key: Key, problem: string, cause: unknown): StorageError {
  return new StorageError({
    code: "corrupt",
    op: "readManifest",
    path: key,
    message: `${key} is not a partition manifest: ${problem}. Write the partition again, or delete the manifest to read the files as they are.`,
    cause,
  });
}
