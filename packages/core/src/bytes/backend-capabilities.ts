/** The features and limits of a store, as data that planners and tests read. */
export interface BackendCapabilities {
  /**
   * `md5`: a listing proves the content of objects whose {@link ObjectInfo.md5} is set. `none`: it never does, and content
   * has to be read.
   */
  readonly listProves: "md5" | "none";
  /** The largest object that one request stores, in bytes. */
  readonly maxSinglePutBytes: number;
  /** The size of each part of a larger object but the last, in bytes. */
  readonly partSizeBytes: number;
  /** The most parts an object may have. */
  readonly maxParts: number;
  /** The most keys that one delete request accepts. */
  readonly deleteBatchSize: number;
  /** The most objects that one list request returns. */
  readonly listPageSize: number;
  /** How often one key may be written per second, or undefined where the store sets no limit. */
  readonly writesPerSecondPerKey?: number | undefined;
  /** The longest key, in UTF-8 bytes: 1,024, less the length of a prefix. */
  readonly maxKeyBytes: number;
  /** `NFC`: keys are normalised, so names that differ only in normalisation collide. `none`: keys are kept as they are. */
  readonly keyNormalization: "none" | "NFC";
  /** True where a key cannot also be the folder of other keys, as in a directory: `a` and `a/b` exclude each other. */
  readonly hierarchicalKeys: boolean;
}
