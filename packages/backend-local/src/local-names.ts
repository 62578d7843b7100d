import { createHash, randomBytes } from "node:crypto";
import { processOwner } from "@parquetry/core/unstable";

/** The start of the names of temporary files and locks. Keys may not use it. */
export const OWN_NAME_PREFIX = ".parquetry-";

/** Returns a new name for a temporary file of this process. */
export function temporaryName(): string {
  return `${OWN_NAME_PREFIX}${newToken()}.tmp`;
}

/** Returns a new token: the name of the file in a lock, which tells who holds it. */
export function newToken(): string {
  return `${processOwner()}.${randomBytes(8).toString("hex")}`;
}

/** Returns the name of the folder that is the lock of a file. */
export function lockName(file: string): string {
  return `${OWN_NAME_PREFIX}lock-${createHash("sha256").update(file).digest("hex").slice(0, 24)}`;
}

const TOKEN = "[0-9a-f]{12}\\.[0-9]+\\.[0-9]+\\.[0-9a-f]{16}";
const TOKEN_NAME = new RegExp(`^${TOKEN}$`);
/** The second form is that of versions without the owner in the name. */
const TEMPORARY_NAME = new RegExp(`^\\.parquetry-(?:${TOKEN}|[0-9a-f]{24})\\.tmp$`);
const LOCK_NAME = new RegExp(`^\\.parquetry-(?:lock-[0-9a-f]{24}|${TOKEN})$`);

/** Whether a name is one of {@link temporaryName}. */
export const isTemporaryName = (name: string): boolean => TEMPORARY_NAME.test(name);
/** Whether a name is one of {@link newToken}. */
export const isToken = (name: string): boolean => TOKEN_NAME.test(name);
/** Whether a name is one of {@link lockName}, or of a folder that was to become a lock. */
export const isLockName = (name: string): boolean => LOCK_NAME.test(name);

const WINDOWS_FORBIDDEN = /[<>:"|?*\\]/;
const WINDOWS_RESERVED = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i;

/** Explains why a segment of a key cannot be a file name here, or returns undefined if it can. */
export function whyNotAName(
  segment: string,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  if (segment.startsWith(OWN_NAME_PREFIX))
    return `names that start with ${OWN_NAME_PREFIX} are reserved for Parquetry`;
  if (Buffer.byteLength(segment) > 255) return "it is longer than 255 bytes, the limit of file systems";
  if (platform !== "win32") return undefined;
  if (WINDOWS_FORBIDDEN.test(segment)) return `Windows does not allow < > : " | ? * \\ in a name`;
  if (/[. ]$/.test(segment)) return "Windows drops a dot or space at the end of a name";
  if (WINDOWS_RESERVED.test(segment)) return "Windows reserves this name for a device";
  return undefined;
}
