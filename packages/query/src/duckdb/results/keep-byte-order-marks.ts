import accessors from "@duckdb/node-api/lib/vectors/dataAccessors.js";

/**
 * Makes the driver keep U+FEFF at the start of strings. It decodes them by a `TextDecoder` with default options, which takes the
 * character for a byte order mark and drops it. The driver has no option for that, so its decoder is replaced.
 */
export function keepByteOrderMarks(): void {
  const replaced: { textDecoder?: unknown } = accessors;
  if (replaced.textDecoder instanceof TextDecoder)
    replaced.textDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
}
