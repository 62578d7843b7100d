import { StorageError } from "@parquetry/core/backend";

/**
 * How far a verification goes: `etag` trusts what a listing proves, `sample` reads a share of the files on both sides as
 * well, `full` reads all of them.
 */
export type VerifyLevel =
  | { readonly type: "etag" }
  | { readonly type: "full" }
  | { readonly type: "sample"; readonly share: number };

/**
 * Parses `etag`, `full` or `sample:5%`.
 *
 * @throws StorageError `invalid_argument` for anything else.
 * @example
 * ```ts
 * parseVerifyLevel("sample:5%"); // { type: "sample", share: 0.05 }
 * ```
 */
export function parseVerifyLevel(text: string): VerifyLevel {
  if (text === "etag" || text === "full") return { type: text };
  const percent = Number(/^sample:(\d+(?:\.\d+)?)%$/.exec(text)?.[1]);
  if (percent > 0 && percent <= 100) return { type: "sample", share: percent / 100 };
  throw noLevel(text);
}

/**
 * A level as given, or as the command line spells it: what is neither would else read nothing and call it equal.
 *
 * @throws StorageError `invalid_argument` for anything else.
 */
export function toVerifyLevel(level: VerifyLevel | string): VerifyLevel {
  if (typeof level === "string") return parseVerifyLevel(level);
  const isLevel =
    level?.type === "etag" ||
    level?.type === "full" ||
    (level?.type === "sample" && level.share > 0 && level.share <= 1);
  if (!isLevel) throw noLevel(level);
  return level;
}

function noLevel(given: unknown): StorageError {
  return new StorageError({
    code: "invalid_argument",
    op: "verify",
    message: `${JSON.stringify(given)} is no level of verification. Expected etag, sample:5% (any percentage above 0) or full.`,
  });
}
