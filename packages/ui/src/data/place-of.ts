import { parsePartitionSegment } from "@parquetry/core/unstable";

/** The table and the partition of a file. */
export interface FilePlace {
  readonly entity: string;
  readonly folder: string;
  readonly keys: readonly string[];
  /** Absent where a folder between the entity and the file is not named `key=value`: no query reads the file. */
  readonly values: readonly (string | null)[] | undefined;
  readonly name: string;
}

/** Which table and partition a file belongs to. The table is the outermost folder with `key=value` folders in it. */
export function placeOf(key: string): FilePlace | undefined {
  const segments = key.split("/");
  const name = segments.pop() ?? "";
  const first = segments.findIndex((segment) => parsePartitionSegment(segment) !== undefined);
  const depth = first === -1 ? segments.length : first;
  if (depth === 0) return undefined;
  const above = segments.slice(0, depth);
  if (above.some((segment) => segment.startsWith("_") || segment.startsWith("."))) return undefined;
  const folders = segments.slice(depth).map((segment) => parsePartitionSegment(segment));
  const isRead = folders.every((entry) => entry !== undefined);
  return {
    entity: above.join("/"),
    folder: segments.slice(depth).join("/"),
    keys: folders.flatMap((entry) => (entry === undefined ? [] : [entry[0]])),
    values: isRead ? folders.map((entry) => entry?.[1] ?? null) : undefined,
    name,
  };
}
