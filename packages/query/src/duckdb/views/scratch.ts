import { mkdirSync } from "node:fs";
import { mkdtemp, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { encodeHive, HIVE_NULL, type PartitionEntry } from "@parquetry/core";
import { isObjectUrl } from "../../files/object-url.ts";
import { hiveColumn } from "./hive-column.ts";

/**
 * A private temporary directory in which every file gets a Hive path of our own spelling, though nothing is copied or
 * linked one by one: `hive/k0=2024/../k1=5/../../root0/raw/plays/…`. DuckDB reads partition values from the text of a
 * path, and the operating system only needs each `k=v` directory to exist once. So files in a flat cache are partitioned,
 * a root such as `/data/env=prod` adds no column, and values that DuckDB reads in its own way (`null`) keep their text.
 */
export class Scratch {
  /** The directory. */
  readonly path: string;
  /** Each with the separator at its end. */
  readonly #roots: readonly string[];
  readonly #made = new Set<string>();

  private constructor(path: string, roots: readonly string[]) {
    this.path = path;
    this.#roots = roots;
  }

  /** Makes it, or takes an empty directory, with a link to each root that files may lie in. */
  static async create(roots: readonly string[], directory?: string): Promise<Scratch> {
    const path = directory ?? (await makeScratchDirectory());
    const scratch = new Scratch(
      path,
      roots.map((root) => (root.endsWith(sep) ? root : `${root}${sep}`)),
    );
    mkdirSync(join(path, "hive"));
    mkdirSync(join(path, "empty"));
    for (const [i, root] of roots.entries()) await symlink(root, join(path, `root${i}`), "junction");
    return scratch;
  }

  /** Where a zero-row file of that name lies. */
  emptyFile(name: string): string {
    return join(this.path, "empty", name);
  }

  /** A path to a file below one of the roots that carries its partition; keys are numbered as in `keys`. A URL stays as it is. */
  hivePath(keys: readonly string[], entries: readonly PartitionEntry[], file: string): string {
    if (isObjectUrl(file)) return file;
    const root = this.#roots.findIndex((candidate) => file.startsWith(candidate));
    const place = this.#roots[root];
    if (place === undefined) throw new Error(`${file} lies outside of ${this.#roots.join(", ")}`);
    return this.#withPartition(keys, entries, `root${root}/${slashed(file.slice(place.length))}`);
  }

  /** A path to a zero-row file that carries a partition. */
  emptyHivePath(keys: readonly string[], entries: readonly PartitionEntry[], name: string): string {
    return this.#withPartition(keys, entries, `empty/${name}`);
  }

  /** Turns paths of this directory in a message into those of the caller. */
  readable(text: string): string {
    let readable = text;
    for (const [i, root] of this.#roots.entries()) {
      readable = readable.replaceAll(
        new RegExp(`${escapeRegExp(slashed(this.path))}/hive/[^'"]*?/root${i}/`, "g"),
        () => slashed(root),
      );
    }
    return readable;
  }

  /** Removes it. */
  async dispose(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  #withPartition(keys: readonly string[], entries: readonly PartitionEntry[], target: string): string {
    let path = `${slashed(this.path)}/hive/`;
    for (const [key, value] of entries) {
      const segment = `${hiveColumn(keys.indexOf(key))}=${encodeValue(value)}`;
      if (!this.#made.has(segment)) {
        makeDirectory(join(this.path, "hive", segment));
        this.#made.add(segment);
      }
      path += `${segment}/../`;
    }
    return `${path}../${target}`;
  }
}

/** Several times faster than asking for `recursive`, and there may be tens of thousands. */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    // A file system that ignores case has made it for another spelling.
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

/** DuckDB reads the text `null`, in any case, as NULL, but only before it decodes escapes. */
function encodeValue(value: string | null): string {
  if (value === null) return HIVE_NULL;
  const encoded = encodeHive(value);
  return /^null$/i.test(encoded)
    ? `%${encoded.charCodeAt(0).toString(16).toUpperCase()}${encoded.slice(1)}`
    : encoded;
}

/** An empty private directory, without links in its path. */
export async function makeScratchDirectory(): Promise<string> {
  return realpath(await mkdtemp(join(tmpdir(), "parquetry-query-")));
}

const slashed = (path: string): string => (sep === "/" ? path : path.replaceAll(sep, "/"));

const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
