import { mkdirSync } from "node:fs";
import { symlink } from "node:fs/promises";
import { join, sep } from "node:path";
import { HIVE_NULL, type PartitionEntry } from "@parquetry/core";
import { encodeHiveValue } from "@parquetry/core/unstable";
import { JoinedPaths } from "../joined/joined-paths.ts";

/**
 * DuckDB's name of the i-th partition key. The real name can be anything: the name of a column in the files, two keys that
 * differ only in case, text that DuckDB would not decode. Views restore it.
 */
export function hiveColumn(index: number): string {
  return `parquetry_key_${index}`;
}

/** Turns the columns of keys in a message into the names of the keys, unless tables differ in them. */
export function namesOfKeys(message: string, tables: readonly (readonly string[])[]): string {
  return message.replaceAll(/parquetry_key_(\d+)/gi, (column, index) => {
    const [name = column, ...others] = new Set(tables.flatMap((keys) => keys[Number(index)] ?? []));
    return others.length === 0 ? name : column;
  });
}

const JOINED = "joined";
/** The longest URL-encoded value. File systems allow 255 bytes for a name, which also has the key. */
const MAX_ENCODED = 230;

/**
 * A private temporary directory that gives every file a Hive path in one spelling, without copying or linking each file:
 * `hive/k0=2024/../k1=5/../../root0/raw/plays/…`. DuckDB reads partition values from the text of a path, and the operating
 * system only needs each `k=v` directory to exist once. So files in a flat cache are partitioned, a root such as
 * `/data/env=prod` adds no column, and values that DuckDB would interpret (`null`) stay strings.
 */
export class Scratch {
  /** The directory. */
  readonly path: string;
  readonly joined: JoinedPaths;
  /** Each ends with the separator. */
  readonly #roots: readonly string[];
  readonly #made = new Set<string>();
  /** By the path of a file, its last version, and how many it has had. */
  readonly #versions = new Map<string, { readonly version: string; readonly generation: number }>();

  private constructor(path: string, roots: readonly string[]) {
    this.path = path;
    this.joined = new JoinedPaths(join(path, JOINED));
    this.#roots = roots;
  }

  /** Creates what it needs in an empty directory, with a link to each root. */
  static async create(roots: readonly string[], path: string): Promise<Scratch> {
    const joined = join(path, JOINED);
    const all = [...roots, joined];
    const scratch = new Scratch(
      path,
      all.map((root) => (root.endsWith(sep) ? root : `${root}${sep}`)),
    );
    mkdirSync(joined);
    mkdirSync(join(path, "hive"));
    mkdirSync(join(path, "empty"));
    for (const [i, root] of all.entries()) await symlink(root, join(path, `root${i}`), "junction");
    return scratch;
  }

  /** The keys that DuckDB sees in the path of this directory, if that is in a folder such as `year=2024`. */
  get ownKeys(): readonly string[] {
    return slashed(this.path)
      .split("/")
      .flatMap((name) => (name.includes("=") ? name.slice(0, name.indexOf("=")) : []));
  }

  /** The path of the zero-row file of that name. */
  emptyFile(name: string): string {
    return join(this.path, "empty", name);
  }

  /**
   * A path to a file below one of the roots that carries the file's partition, with the keys numbered as in `keys`. A file that was
   * replaced under the same name gets another path: DuckDB keeps footers by path, and would take that of the earlier file.
   */
  hivePath(
    keys: readonly string[],
    entries: readonly PartitionEntry[],
    file: string,
    version: string,
  ): string {
    const root = this.#roots.findIndex((candidate) => file.startsWith(candidate));
    const place = this.#roots[root];
    if (place === undefined) throw new Error(`${file} is not below ${this.#roots.join(", ")}`);
    const generation = this.#generationOf(file, version);
    const target = `root${root}/${slashed(file.slice(place.length))}`;
    return this.#withPartition(keys, entries, target, generation === 0 ? "" : `v${generation}`);
  }

  /** A path to a zero-row file that carries a partition. */
  emptyHivePath(keys: readonly string[], entries: readonly PartitionEntry[], name: string): string {
    return this.#withPartition(keys, entries, `empty/${name}`);
  }

  /** Replaces paths of this directory in a message by the paths of the files. */
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

  #generationOf(file: string, version: string): number {
    const known = this.#versions.get(file);
    if (known?.version === version) return known.generation;
    const generation = known === undefined ? 0 : known.generation + 1;
    this.#versions.set(file, { version, generation });
    return generation;
  }

  #withPartition(
    keys: readonly string[],
    entries: readonly PartitionEntry[],
    target: string,
    variant = "",
  ): string {
    let path = `${slashed(this.path)}/hive/`;
    if (variant !== "") {
      if (!this.#made.has(variant)) makeDirectory(join(this.path, "hive", variant));
      this.#made.add(variant);
      path += `${variant}/../`;
    }
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

/** Several times faster than `recursive`, and there can be tens of thousands. */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    // A file system that ignores case has it in another spelling.
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

/**
 * Encodes a value so that no character of it has a meaning in a path, in a list of paths or in a glob, unless the name would be
 * too long for a directory. DuckDB reads `null`, in any case, as NULL, but only before it decodes escapes.
 */
function encodeValue(value: string | null): string {
  if (value === null) return HIVE_NULL;
  const encoded = encodeURIComponent(value).replace(/[!'()*]/g, (char) => `%${hex(char)}`);
  if (encoded.length > MAX_ENCODED) return encodeHiveValue(value);
  return /^null$/i.test(encoded) ? `%${hex(encoded)}${encoded.slice(1)}` : encoded;
}

const hex = (text: string): string => text.charCodeAt(0).toString(16).toUpperCase();

const slashed = (path: string): string => (sep === "/" ? path : path.replaceAll(sep, "/"));

const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
