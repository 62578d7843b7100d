import { hash } from "node:crypto";
import { schemaBytes } from "@parquetry/core/unstable/tables";
import { readFooter } from "./read-footer.ts";
import type { ScanFile } from "./scan-file.ts";

const MAX_FOOTER_BYTES = 1024 * 1024;
/** A disk is slow if a footer takes longer on average, in milliseconds. Then several have to be read at a time, which this does not. */
const SLOW_MS = 1;
/** Files that are read before that is decided. */
const TRIED_FILES = 16;

/**
 * Returns a function that gives files the same name if their footers say the same about their columns, byte for byte. A file whose footer
 * cannot be read, or is on a slow disk, gets a name that no other file has.
 */
export function footerComparer(): (file: ScanFile) => string {
  let files = 0;
  let ms = 0;
  return ({ kind, path, footerPath = path, version }) => {
    const isSlow = files >= TRIED_FILES && ms > files * SLOW_MS;
    if (kind === "remote" || isSlow) return version;
    const started = performance.now();
    try {
      return hash("sha256", schemaBytes(readFooter(footerPath, MAX_FOOTER_BYTES)));
    } catch {
      return version;
    } finally {
      files++;
      ms += performance.now() - started;
    }
  };
}
