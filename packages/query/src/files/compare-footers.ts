import { hash } from "node:crypto";
import { schemaBytes } from "@parquetry/core/unstable/tables";
import { readFooter } from "./read-footer.ts";
import { ReadPace } from "./read-pace.ts";
import type { ScanFile } from "./scan-file.ts";

const MAX_FOOTER_BYTES = 1024 * 1024;

/**
 * Returns a function that gives files the same name if their footers say the same about their columns, byte for byte. A file whose footer
 * cannot be read, or is on a slow disk, gets a name that no other file has.
 */
export function footerComparer(): (file: ScanFile) => string {
  const pace = new ReadPace();
  return ({ kind, path, footerPath = path, version }) => {
    if (kind === "remote" || pace.isSlow) return version;
    try {
      return pace.time(() => hash("sha256", schemaBytes(readFooter(footerPath, MAX_FOOTER_BYTES))));
    } catch {
      return version;
    }
  };
}
