import { forEachYielding } from "@parquetry/core/unstable";
import type { ScanFile } from "../../files/scan-file.ts";

/** Files as a few long strings: cloning one small object a file takes more than twice the processor time (docs/decisions/0039). */
export interface PackedFiles {
  readonly shapes: readonly FileShape[];
  /** JSON of arrays, in which the fields of one file follow those of another. */
  readonly chunks: readonly string[];
}

/** Properties that many files share. */
interface FileShape extends Pick<ScanFile, "kind" | "nullColumns"> {
  /** The text before the key, in a path that ends with it. */
  readonly root: string | undefined;
  /** The version begins with the key. */
  readonly hasKeyInVersion: boolean;
  readonly hasFooterPath: boolean;
  readonly keys: readonly string[];
}

/** The files of a chunk, which is short enough to be converted without a pause. */
const CHUNK_FILES = 5_000;

type Field = string | number | null;

export async function packFiles(files: readonly ScanFile[]): Promise<PackedFiles> {
  const shapes: FileShape[] = [];
  const numbers = new Map<string, number>();
  let number = -1;
  let shape: FileShape | undefined;
  const chunks: string[] = [];
  let fields: Field[] = [];
  const finish = (): void => {
    chunks.push(JSON.stringify(fields));
    fields = [];
  };
  let packed = 0;
  await forEachYielding(files, (file) => {
    if (shape === undefined || !hasShape(file, shape)) {
      shape = shapeOf(file);
      const name = JSON.stringify(shape);
      number = numbers.get(name) ?? shapes.push(shape) - 1;
      numbers.set(name, number);
    }
    const { key, path, version, footerPath, entries } = file;
    fields.push(number, key, shape.hasKeyInVersion ? version.slice(key.length) : version);
    if (shape.root === undefined) fields.push(path);
    if (footerPath !== undefined) fields.push(footerPath);
    for (const [, value] of entries) fields.push(value);
    if (++packed % CHUNK_FILES === 0) finish();
  });
  finish();
  return { shapes, chunks };
}

function shapeOf({ kind, key, path, version, footerPath, entries, nullColumns }: ScanFile): FileShape {
  return {
    kind,
    nullColumns,
    root: path.endsWith(key) ? path.slice(0, path.length - key.length) : undefined,
    hasKeyInVersion: version.startsWith(key),
    hasFooterPath: footerPath !== undefined,
    keys: entries.map(([name]) => name),
  };
}

function hasShape(
  { kind, key, path, version, footerPath, entries, nullColumns }: ScanFile,
  shape: FileShape,
): boolean {
  const { root, keys } = shape;
  return (
    kind === shape.kind &&
    nullColumns === shape.nullColumns &&
    version.startsWith(key) === shape.hasKeyInVersion &&
    (footerPath !== undefined) === shape.hasFooterPath &&
    (root === undefined
      ? !path.endsWith(key)
      : path.length === root.length + key.length && path.startsWith(root) && path.endsWith(key)) &&
    entries.length === keys.length &&
    entries.every(([name], i) => name === keys[i])
  );
}

export function unpackFiles({ shapes, chunks }: PackedFiles): readonly ScanFile[] {
  const files: ScanFile[] = [];
  for (const chunk of chunks) {
    // The other process is part of this package.
    const fields = JSON.parse(chunk) as Field[];
    let at = 0;
    const next = (): string => String(fields[at++]);
    while (at < fields.length) {
      const shape = shapes[Number(fields[at++])];
      if (shape === undefined) throw new Error("a file without a shape");
      const { kind, root, hasKeyInVersion, hasFooterPath, keys, nullColumns } = shape;
      const key = next();
      const version = hasKeyInVersion ? key + next() : next();
      const path = root === undefined ? next() : root + key;
      const footerPath = hasFooterPath ? next() : undefined;
      const entries = keys.map(
        (name) => [name, fields[at++] === null ? null : String(fields[at - 1])] as const,
      );
      files.push({ kind, path, footerPath, version, key, entries, nullColumns });
    }
  }
  return files;
}
