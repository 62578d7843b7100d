import type { StorageBackend } from "@parquetry/core";
import type { ConformanceScale } from "./conformance-scale.ts";

/** One question that the suite asks a backend: it fails by throwing. */
export interface ConformanceCase {
  /** The guarantee, as a sentence without its subject: `a get of a missing key is not_found`. */
  readonly name: string;
  /** Asks an empty backend. */
  run(backend: StorageBackend, scale: ConformanceScale): Promise<void>;
}
