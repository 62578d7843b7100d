/** The start of the names of temporary files and locks. Keys may not use it. */
export const OWN_NAME_PREFIX = ".parquetry-";

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
