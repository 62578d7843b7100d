/** What every hidden name of this backend starts with: temporary files and locks. Keys may not use it. */
export const OWN_NAME_PREFIX = ".parquetry-";

const WINDOWS_FORBIDDEN = /[<>:"|?*\\]/;
const WINDOWS_RESERVED = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i;

/** Why a key's segment cannot be a file name here, or undefined where it can. */
export function whyNotAName(
  segment: string,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  if (segment.startsWith(OWN_NAME_PREFIX))
    return `names that start with ${OWN_NAME_PREFIX} are Parquetry's own`;
  if (Buffer.byteLength(segment) > 255) return "it is longer than the 255 bytes that file systems take";
  if (platform !== "win32") return undefined;
  if (WINDOWS_FORBIDDEN.test(segment)) return `Windows allows none of < > : " | ? * \\ in a name`;
  if (/[. ]$/.test(segment)) return "Windows drops a dot or space at the end of a name";
  if (WINDOWS_RESERVED.test(segment)) return "Windows reserves this name for a device";
  return undefined;
}
