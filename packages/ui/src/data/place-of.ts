import { parsePartitionSegment } from "@parquetry/core/unstable";

/** The table and the partition of a file. */
export interface FilePlace {
  readonly entity: string;
  /** The names of the folders below the entity. */
  readonly folders: readonly string[];
  /** Absent where a folder between the entity and the file is not named `key=value`: no query reads the file. */
  readonly keys: readonly string[] | undefined;
  readonly name: string;
}

/** Which table and partition a file belongs to. The table is the outermost folder with `key=value` folders in it. */
export function placeOf(key: string): FilePlace | undefined {
  const segments = key.split("/");
  const name = segments.pop() ?? "";
  const entries = segments.map((segment) => parsePartitionSegment(segment)?.[0]);
  const first = entries.findIndex((entry) => entry !== undefined);
  const depth = first === -1 ? segments.length : first;
  if (depth === 0) return undefined;
  const above = segments.slice(0, depth);
  if (above.some((segment) => segment.startsWith("_") || segment.startsWith("."))) return undefined;
  const keys = entries.slice(depth).filter((entry) => entry !== undefined);
  return {
    entity: above.join("/"),
    folders: segments.slice(depth),
    keys: keys.length === segments.length - depth ? keys : undefined,
    name,
  };
}
