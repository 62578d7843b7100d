import { abilitiesOf, isStorageError, type StorageBackend } from "@parquetry/core/backend";
import { formatCounted } from "../terminal/format-amount.ts";
import type { Check } from "./check.ts";

/**
 * Looks for uploads in parts that are neither complete nor aborted: the store charges for their parts, and no listing shows
 * them. They may be another program's that is still running, so they are only reported.
 */
export async function checkUploads(
  backend: StorageBackend,
  name: string,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly Check[]> {
  const uploads = abilitiesOf(backend).resumableUploads;
  if (uploads === undefined) return [];
  const check = `${name}: unfinished uploads`;
  try {
    let count = 0;
    let oldest: Date | undefined;
    for await (const { startedAt } of uploads.list("", { signal })) {
      count++;
      if (oldest === undefined || startedAt < oldest) oldest = startedAt;
    }
    if (oldest === undefined) return [{ name: check, status: "ok", detail: "none" }];
    return [
      {
        name: check,
        status: "warn",
        detail: `${formatCounted(count, "upload")} in parts ${count === 1 ? "is" : "are"} neither complete nor aborted; the oldest was started at ${oldest.toISOString()}`,
        remedy:
          "Their parts are charged for. `parquetry migrate` resumes or aborts those it started from this machine; a lifecycle rule (AbortIncompleteMultipartUpload) aborts the others.",
      },
    ];
  } catch (error) {
    if (!isStorageError(error) || error.code === "aborted" || signal?.aborted === true) throw error;
    return [{ name: check, status: "skip", detail: error.message }];
  }
}
