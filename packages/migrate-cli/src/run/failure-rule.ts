import type { StorageError } from "@parquetry/core/backend";

/** Decides from the failures so far whether further files would fail in the same way. */
export interface FailureRule {
  /** A file was copied. */
  succeeded(): void;
  /** A file failed. Returns whether all further files will fail for the same reason. */
  failed(error: StorageError): boolean;
  /** Whether nothing was copied and the failures so far are all of one kind, so that one file at a time is a sufficient trial. */
  isDoubtful(): boolean;
}

/** Failures of a store as a whole, by its own name for them, whichever file they are about. */
const OF_STORE: ReadonlySet<string> = new Set([
  ...["NoSuchBucket", "AccountProblem", "AllAccessDisabled", "NotSignedUp", "UserSuspended"],
  ...["ENODEV", "ENXIO", "ENOTCONN"],
]);

/** The same of a store that is written to: full, over its quota, read-only, or unable to encrypt. */
const OF_TARGET: ReadonlySet<string> = new Set([
  ...["ENOSPC", "EDQUOT", "EROFS", "EIO", "ESTALE"],
  ...["QuotaExceeded", "XMinioAdminBucketQuotaExceeded", "XMinioStorageFull", "InsufficientStorage"],
]);

/** Something else that a write may miss: an upload that was aborted, or a folder where the target has a file. */
const OF_ONE_WRITE: ReadonlySet<string> = new Set(["NoSuchUpload", "NoSuchKey", "ENOTDIR"]);

/** After this many failures in a row, of a kind that may concern one folder alone, no file is expected to succeed. */
const IN_A_ROW = 10;

/** The same of a store that was asked repeatedly each time. */
const IN_A_ROW_UNANSWERED = 2;

/**
 * Makes a {@link FailureRule} for a number of planned files. Rejected credentials, a missing bucket, a full or read-only disk and
 * the like are final at once. A forbidden write may concern one folder, and a store that fails may recover, so some more files
 * are tried.
 */
export function createFailureRule(plannedFiles: number): FailureRule {
  let copied = 0;
  let inARow = 0;
  let kind: string | undefined;
  return {
    succeeded() {
      copied++;
      inARow = 0;
      kind = undefined;
    },
    failed(error) {
      if (isOfStore(error)) return true;
      const { code, op } = error;
      const isShared = op === "put" && ["permission_denied", "unavailable", "timeout"].includes(code);
      inARow = isShared && (kind === undefined || kind === code) ? inARow + 1 : isShared ? 1 : 0;
      kind = isShared ? code : undefined;
      const enough = code !== "permission_denied" && copied === 0 ? IN_A_ROW_UNANSWERED : IN_A_ROW;
      return inARow >= Math.min(enough, plannedFiles);
    },
    isDoubtful: () => copied === 0 && inARow > 0,
  };
}

function isOfStore({ code, op, storeCode = "" }: StorageError): boolean {
  if (code === "unauthenticated" || OF_STORE.has(storeCode)) return true;
  if (op !== "put") return false;
  // A write cannot miss its object, so the place itself is gone.
  const isGone = code === "not_found" && !OF_ONE_WRITE.has(storeCode);
  return isGone || OF_TARGET.has(storeCode) || storeCode.startsWith("KMS.");
}
