import { parseKey, type Storage, StorageError } from "@parquetry/core";
import { describeParquet, openByteSource } from "@parquetry/core/unstable/tables";
import type { FileDescription } from "../answers.ts";
import { textOf } from "./render-batch.ts";

/** The most row groups, and characters of a value, that are shown. */
const [MAX_GROUPS, MAX_TEXT] = [200, 60];

/** Describes the row groups and column chunks of a Parquet file, by its footer only. */
export async function describeFile(
  { backend }: Storage,
  name: string,
  options: { readonly signal: AbortSignal },
): Promise<FileDescription> {
  const key = parseKey(name, "ui");
  if (!key.endsWith(".parquet"))
    throw new StorageError({
      code: "invalid_argument",
      op: "ui",
      path: key,
      message: `${key} is not a Parquet file: only these have row groups.`,
    });
  const known = await backend.head(key, options);
  const { rows, createdBy, rowGroups } = await describeParquet(
    await openByteSource(backend, key, { known, ...options }),
  );
  return {
    rows,
    createdBy,
    rowGroups: rowGroups.slice(0, MAX_GROUPS).map((group) => ({
      rows: group.rows,
      chunks: group.chunks.map(({ path, min, max, ...chunk }) => ({
        ...chunk,
        column: path.join("."),
        min: shortText(min),
        max: shortText(max),
      })),
    })),
    moreRowGroups: Math.max(0, rowGroups.length - MAX_GROUPS),
  };
}

function shortText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const text = textOf(value, "");
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
