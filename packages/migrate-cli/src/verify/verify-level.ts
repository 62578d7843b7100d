import { StorageError } from "@parquetry/core/backend";
import type { CustomKind } from "@parquetry/core/unstable";

/**
 * How far a verification goes: `etag` trusts the hashes that a listing proves, `sample` also reads a share of the files on
 * both sides, `full` reads all of them.
 */
export type VerifyLevel =
  | { readonly type: "etag" }
  | { readonly type: "full" }
  | { readonly type: "sample"; readonly share: number };

/** The kind of the option `level`: as the command line spells it, or a {@link VerifyLevel}. */
export const VERIFY_LEVEL_KIND: CustomKind = {
  expected: "etag, sample:5% (any percentage above 0) or full",
  is: (value) => readLevel(value) !== undefined,
};

/**
 * Parses `etag`, `full` or `sample:5%`; a {@link VerifyLevel} is returned as it is.
 *
 * @throws StorageError `invalid_argument` for anything else.
 * @example
 * ```ts
 * parseVerifyLevel("sample:5%"); // { type: "sample", share: 0.05 }
 * ```
 */
export function parseVerifyLevel(text: string | VerifyLevel): VerifyLevel {
  const level = readLevel(text);
  if (level !== undefined) return level;
  throw new StorageError({
    code: "invalid_argument",
    op: "verify",
    message: `${JSON.stringify(text)} is not a level of verification. Expected ${VERIFY_LEVEL_KIND.expected}.`,
  });
}

function readLevel(value: unknown): VerifyLevel | undefined {
  if (value === "etag" || value === "full") return { type: value };
  if (typeof value === "string") {
    const percent = Number(/^sample:(\d+(?:\.\d+)?)%$/.exec(value)?.[1]);
    return percent > 0 && percent <= 100 ? { type: "sample", share: percent / 100 } : undefined;
  }
  if (typeof value !== "object" || value === null || !("type" in value)) return undefined;
  if (value.type === "etag" || value.type === "full") return { type: value.type };
  const share = "share" in value ? Number(value.share) : 0;
  return value.type === "sample" && share > 0 && share <= 1 ? { type: "sample", share } : undefined;
}
