import { isStorageError, type StorageBackend } from "@parquetry/core/backend";
import { uploadsOf } from "../run/unfinished-uploads.ts";
import { formatCount } from "../terminal/format-amount.ts";
import type { Check } from "./check.ts";

/**
 * Looks for uploads in parts that have neither become an object nor been ended: what arrived of them is charged for, and no
 * listing shows it. They may be somebody's who is at work, so they are only told.
 *
 * @example
 * ```ts
 * const checks = await checkUploads(bucket, "bucket"); // none for a store without such uploads
 * ```
 */
export async function checkUploads(
  backend: StorageBackend,
  name: string,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly Check[]> {
  const uploads = uploadsOf(backend);
  if (uploads === undefined) return [];
  const check = `${name}: unfinished uploads`;
  try {
    let count = 0;
    let oldest: Date | undefined;
    for await (const { startedAt } of uploads.listUploads("", { signal })) {
      count++;
      if (oldest === undefined || startedAt < oldest) oldest = startedAt;
    }
    if (oldest === undefined) return [{ name: check, status: "ok", detail: "none" }];
    return [
      {
        name: check,
        status: "warn",
        detail: `${formatCount(count)} uploads in parts are neither finished nor ended; the oldest began ${oldest.toISOString()}`,
        remedy:
          "Their parts are charged for. `parquetry migrate` goes on with those it began from this machine, or ends them; a lifecycle rule (AbortIncompleteMultipartUpload) ends the others.",
      },
    ];
  } catch (error) {
    if (!isStorageError(error) || error.code === "aborted") throw error;
    return [{ name: check, status: "skip", detail: error.message }];
  }
}
