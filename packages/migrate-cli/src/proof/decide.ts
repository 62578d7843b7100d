import type { ObjectInfo } from "@parquetry/core/backend";

/**
 * The action of a migration for one key.
 *
 * | action | when |
 * | --- | --- |
 * | `copy` | only the source has it |
 * | `skip` | both have it with content that is proven equal |
 * | `differs` | both have it with different content: left alone |
 * | `unverifiable` | both have it with the same size, and nothing proves its content |
 * | `extra` | only the target has it: left alone |
 * | `read` | the sides in `sides` have to be read for a proof; then decide again |
 */
export type Action =
  | { readonly type: "copy" | "skip" | "differs" | "unverifiable" | "extra" }
  | { readonly type: "read"; readonly sides: readonly Side[] };

/** One end of a migration. */
export type Side = "source" | "target";

/** The facts that decide: the size, and the MD5 of the content if it is known. */
export type ContentFacts = Pick<ObjectInfo, "sizeBytes" | "md5">;

/** Options of {@link decide}. */
export interface DecideOptions {
  /** The sides that may be read to compute a missing MD5: directories, not buckets. Default: none. */
  readonly readable?: readonly Side[] | undefined;
  /** Read both sides, whatever a listing proves. Default false. */
  readonly distrust?: boolean | undefined;
}

/**
 * Decides by content, never by name or time alone. It is pure: the same facts give the same action.
 *
 * @example
 * ```ts
 * decide({ sizeBytes: 5 }, undefined); // { type: "copy" }
 * decide({ sizeBytes: 5 }, { sizeBytes: 5, md5 }, { readable: ["source"] }); // { type: "read", sides: ["source"] }
 * ```
 */
export function decide(
  source: ContentFacts | undefined,
  target: ContentFacts | undefined,
  options: DecideOptions = {},
): Action {
  const { readable = [], distrust = false } = options;
  if (source === undefined) return { type: "extra" };
  if (target === undefined) return { type: "copy" };
  if (source.sizeBytes !== target.sizeBytes) return { type: "differs" };
  // All empty files have the same content.
  if (source.sizeBytes === 0) return { type: "skip" };
  if (distrust) return { type: "read", sides: ["source", "target"] };
  if (source.md5 !== undefined && target.md5 !== undefined) {
    return { type: source.md5 === target.md5 ? "skip" : "differs" };
  }
  const sides: Side[] = [];
  if (source.md5 === undefined) sides.push("source");
  if (target.md5 === undefined) sides.push("target");
  return sides.every((side) => readable.includes(side)) ? { type: "read", sides } : { type: "unverifiable" };
}
