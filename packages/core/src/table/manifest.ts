import { z } from "zod";
import type { Key } from "../bytes/key.ts";
import { StorageError } from "../bytes/storage-error.ts";
import type { ColumnSchema } from "../parquet/column-type.ts";
import { typeName } from "../parquet/column-type.ts";

/** The version of the manifest's shape that Parquetry writes. Readers take every version. */
export const MANIFEST_SCHEMA_VERSION = 1;

/** One data file in a {@link Manifest}. */
export interface ManifestFile {
  /** Its name in the folder. */
  readonly name: string;
  /** How many rows it has. */
  readonly rows: number;
  /** Its size in bytes. */
  readonly bytes: number;
  /** The SHA-256 of its bytes, in hex. */
  readonly sha256: string;
}

/** A file of another system that a write replaced: it no longer counts, and goes unless it has changed since. */
export interface ReplacedFile {
  /** Its name in the folder. */
  readonly name: string;
  /** Which version of it was replaced. */
  readonly etag: string;
}

/** Of which files of another entity a partition was made. */
export interface MadeFrom {
  /** The entity whose rows it holds. */
  readonly entity: string;
  /** Names the versions of its files, and how they were put together. */
  readonly version: string;
}

/** A partition's `manifest.json`. The names are those of the Python system that came first. */
export interface Manifest {
  /** Rows in the partition. */
  readonly rows?: number | undefined;
  /** When it was written, ISO 8601. */
  readonly write_time?: string | undefined;
  /** The entity, such as `raw/plays`. */
  readonly entity?: string | undefined;
  /** The version of this shape. */
  readonly schema_version?: number | string | undefined;
  /** The columns. */
  readonly schema?: { readonly fields: readonly ManifestField[] } | null | undefined;
  /** Which write committed it. Only what Parquetry wrote has one. */
  readonly write_id?: string | undefined;
  /** Exactly the files that count. Only what Parquetry wrote has them. */
  readonly files?: readonly ManifestFile[] | undefined;
  /** Files of other systems that this write, or one before it, replaced and may not have deleted. */
  readonly replaced?: readonly ReplacedFile[] | undefined;
  /** Of which files of another entity exactly these rows were made. A later write ends that. */
  readonly made_from?: MadeFrom | undefined;
}

/** One column in a {@link Manifest}. */
export interface ManifestField {
  /** Its name. */
  readonly name: string;
  /** Its type, in the words of whoever wrote the manifest. */
  readonly type: string;
  /** Whether it may hold nulls. */
  readonly nullable?: boolean | undefined;
}

// Loose on purpose: manifests of the Python system carry other fields, and none of them is ours to refuse.
const manifestShape: z.ZodType<Manifest> = z.looseObject({
  rows: z.number().int().nonnegative().optional(),
  write_time: z.string().optional(),
  entity: z.string().optional(),
  schema_version: z.union([z.number(), z.string()]).optional(),
  schema: z
    .looseObject({
      fields: z.array(
        z.looseObject({ name: z.string(), type: z.string(), nullable: z.boolean().optional() }),
      ),
    })
    .nullish(),
  write_id: z.string().optional(),
  files: z
    .array(
      z.looseObject({
        name: z.string(),
        rows: z.number().int().nonnegative(),
        bytes: z.number().int().nonnegative(),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .optional(),
  replaced: z.array(z.looseObject({ name: z.string(), etag: z.string() })).optional(),
  made_from: z.looseObject({ entity: z.string(), version: z.string() }).optional(),
});

/**
 * Reads a manifest.
 *
 * @throws StorageError `corrupt` where it is no manifest, naming the field.
 */
export function parseManifest(bytes: Uint8Array, key: Key): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw corrupt(key, "it is no JSON", cause);
  }
  const parsed = manifestShape.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw corrupt(key, `${issue?.path.join(".") || "the document"}: ${issue?.message}`, undefined);
  }
  return parsed.data;
}

/** Makes the bytes of a manifest, as the Python system writes it plus `files` and `write_id`. */
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

/** What a manifest says of columns; those that only the earlier files have stay in it. */
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

function corrupt(key: Key, problem: string, cause: unknown): StorageError {
  return new StorageError({
    code: "corrupt",
    op: "readManifest",
    path: key,
    message: `${key} is not a partition manifest: ${problem}. Rewrite the partition, or delete the manifest to read its files as they lie.`,
    cause,
  });
}
