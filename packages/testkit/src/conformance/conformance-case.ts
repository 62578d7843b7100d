import type { StorageBackend } from "@parquetry/core";

/** One question that the suite asks a backend: it fails by throwing. */
export interface ConformanceCase {
  /** The guarantee, as a sentence without its subject: `a get of a missing key is not_found`. */
  readonly name: string;
  /** Asks an empty backend. */
  run(backend: StorageBackend): Promise<void>;
}
