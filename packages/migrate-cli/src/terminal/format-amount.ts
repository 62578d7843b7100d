/**
 * A number with thousands separated: `31,857`.
 *
 * @example
 * ```ts
 * formatCount(31857); // "31,857"
 * ```
 */
export function formatCount(count: number): string {
  return groupThousands(String(count));
}

/** By hand: the first `toLocaleString` of a process loads ICU's data, which takes longer than the rest of a small report. */
function groupThousands(digits: string): string {
  return digits.replace(/\d(?=(?:\d{3})+(?:\.|$))/g, "$&,");
}

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/**
 * Bytes in decimal units, as disks and stores count them: `2.3 GB`.
 *
 * @example
 * ```ts
 * formatBytes(2_300_000_000); // "2.3 GB"
 * ```
 */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // Rounded first, so that 999,960 is 1.0 MB and not 1000.0 kB.
  while (unit < UNITS.length - 1 && Number(value.toFixed(unit === 0 ? 0 : 1)) >= 1000) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(unit === 0 ? 0 : 1)} ${UNITS[unit]}`;
}

/**
 * How much of a total, in the total's unit: `0.5/2.3 GB`.
 *
 * @example
 * ```ts
 * formatBytesOf(500_000_000, 2_300_000_000); // "0.5/2.3 GB"
 * ```
 */
export function formatBytesOf(bytes: number, totalBytes: number): string {
  const [total = "", unit = ""] = formatBytes(totalBytes).split(" ");
  const scale = 1000 ** UNITS.indexOf(unit);
  return `${(bytes / scale).toFixed(unit === "B" ? 0 : 1)}/${total} ${unit}`;
}

/**
 * A duration: `20 ms`, `0.4 s`, `12 s`, `3:05`, `1:02:03`.
 *
 * @example
 * ```ts
 * formatDuration(185_000); // "3:05"
 * ```
 */
export function formatDuration(ms: number): string {
  if (ms < 99.5) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const two = (value: number): string => String(value).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/**
 * US dollars; less than half a cent is `<$0.01`.
 *
 * @example
 * ```ts
 * formatUsd(0.003); // "<$0.01"
 * ```
 */
export function formatUsd(usd: number): string {
  if (usd > 0 && usd < 0.005) return "<$0.01";
  return `$${groupThousands(usd.toFixed(2))}`;
}

/**
 * A count and its noun, in the plural unless it is one: `1 row`, `2 rows`.
 *
 * @example
 * ```ts
 * formatCounted(4401, "row"); // "4,401 rows"
 * ```
 */
export function formatCounted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** {@link formatCounted} of files. */
export function formatFiles(count: number): string {
  return formatCounted(count, "file");
}
