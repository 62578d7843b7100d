const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** 17.1 MB, by powers of 1,000. */
export function bytesText(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** $12.30, $0.000054 */
export const usdText = (usd: number): string =>
  `$${usd === 0 || usd >= 0.01 ? usd.toFixed(2) : usd.toFixed(1 - Math.floor(Math.log10(usd)))}`;

/** 26,640 */
export const countText = (count: number): string => count.toLocaleString("en-US");

/** 1 file, 2 files */
export const counted = (count: number, noun: string): string =>
  `${countText(count)} ${noun}${count === 1 ? "" : "s"}`;

/** 0.4 s, 12 s, 3:05, 1:02:03 */
export function durationText(ms: number): string {
  if (ms < 9_950) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const two = (value: number): string => String(value).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** 2026-11-30 06:02 UTC */
export const timeText = (ms: number): string =>
  ms === 0 ? "–" : `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** A partition's value as a person reads it. */
export const valueText = (value: string | null): string => (value === null ? "NULL" : value);
