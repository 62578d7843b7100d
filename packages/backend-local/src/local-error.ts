import { isStorageError, StorageError, type StorageErrorCode } from "@parquetry/core/backend";

interface Meaning {
  readonly code: StorageErrorCode;
  readonly retry?: "never" | "safe";
  readonly says: string;
}

const MEANING: Readonly<Record<string, Meaning>> = {
  ENOENT: { code: "not_found", says: "there is no such file" },
  ENOTDIR: { code: "not_found", says: "part of its path is a file" },
  EISDIR: { code: "invalid_path", says: "it is a folder" },
  EACCES: { code: "permission_denied", says: "access is denied; check the owner and the mode" },
  EPERM: { code: "permission_denied", says: "the system does not permit it; check the owner and the mode" },
  EROFS: { code: "permission_denied", says: "the file system is read-only" },
  ENAMETOOLONG: { code: "invalid_path", says: "the name is too long for the file system" },
  EILSEQ: { code: "invalid_path", says: "the file system cannot express the name" },
  ELOOP: { code: "invalid_path", says: "symbolic links form a loop" },
  ENOSPC: { code: "unavailable", retry: "never", says: "the disk is full; free some space" },
  EDQUOT: { code: "unavailable", retry: "never", says: "the disk quota is used up; free some space" },
  EFBIG: { code: "not_supported", says: "the file system does not support files of this size" },
  EMFILE: { code: "unavailable", says: "too many files are open; raise the limit (ulimit -n)" },
  ENFILE: { code: "unavailable", says: "the system has too many files open" },
  EBUSY: { code: "unavailable", says: "the file is in use" },
  EIO: { code: "unavailable", retry: "never", says: "the device failed; is the drive connected?" },
  ENODEV: { code: "unavailable", retry: "never", says: "the device is gone; is the drive connected?" },
  ENXIO: { code: "unavailable", retry: "never", says: "the device is gone; is the drive connected?" },
  ENOTCONN: { code: "unavailable", retry: "never", says: "the mounted drive is gone; connect it again" },
  ESTALE: { code: "unavailable", retry: "never", says: "the network drive dropped the file" },
};

/** The file handles of Yarn Plug'n'Play cannot be synced to the disk, and throw an error without a code. */
const PLUG_N_PLAY: Meaning = {
  code: "not_supported",
  says:
    "Yarn Plug'n'Play cannot write durably (its file handles have no sync). " +
    "Set nodeLinker: node-modules in .yarnrc.yml and run yarn install",
};

/** Returns the system's error code, such as `ENOENT`, if an error has one. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** Returns the path of a system error, if it has one. */
export function pathOf(error: unknown): string | undefined {
  return error instanceof Error && "path" in error && typeof error.path === "string" ? error.path : undefined;
}

/** Turns a failure of the file system into a {@link StorageError}. Returns a StorageError as it is. */
export function localError(error: unknown, op: string, path: string, location: string): StorageError {
  if (isStorageError(error)) return error;
  const errno = errnoOf(error);
  const isOfPlugAndPlay = errno === undefined && process.versions["pnp"] !== undefined;
  const unknown: Meaning = { code: "unavailable", retry: "never", says: errno ?? String(error) };
  const meaning = MEANING[errno ?? ""] ?? (isOfPlugAndPlay ? PLUG_N_PLAY : unknown);
  return new StorageError({
    code: meaning.code,
    op,
    path,
    backend: "local",
    retry: meaning.retry,
    storeCode: errno,
    message: `${op} ${location}: ${meaning.says}.`,
    cause: error,
  });
}
