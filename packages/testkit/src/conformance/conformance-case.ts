import type { BackendAbilities, StorageBackend } from "@parquetry/core/backend";
import type { ConformanceScale } from "./conformance-scale.ts";

/** One guarantee that the suite tests. It fails by throwing. */
export interface ConformanceCase {
  /** The guarantee, as a sentence without its subject: `rejects a get of a missing key with not_found`. */
  readonly name: string;
  /** The ability that the case is about: a backend without it is not asked. */
  readonly needs?: keyof BackendAbilities | undefined;
  /** Runs the case against an empty backend. */
  run(backend: StorageBackend, scale: ConformanceScale): Promise<void>;
}
