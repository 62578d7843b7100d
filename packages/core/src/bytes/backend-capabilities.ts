/** What a store can do and where its limits are, as data that planners and tests read. */
export interface BackendCapabilities {
  /**
   * `md5`: the listing proves an object's content where {@link ObjectInfo.md5} is set. `none`: it never does, content
   * has to be read.
   */
  readonly listProves: "md5" | "none";
  /** Objects up to this many bytes are stored by one request. */
  readonly maxSinglePutBytes: number;
  /** The size of each part of a larger object but the last, in bytes. */
  readonly partSizeBytes: number;
  /** The most parts an object may have. */
  readonly maxParts: number;
  /** The most keys one delete request takes. */
  readonly deleteBatchSize: number;
  /** The most objects one list request returns. */
  readonly listPageSize: number;
  /** How often one key may be written per second, or undefined where nobody counts. */
  readonly writesPerSecondPerKey?: number | undefined;
  /** The longest key, in UTF-8 bytes: 1,024, less what a prefix takes. */
  readonly maxKeyBytes: number;
  /** `NFC`: keys are normalised, so two names that differ only in normalisation collide. `none`: they are kept as given. */
  readonly keyNormalization: "none" | "NFC";
  /** True where a key cannot also be the folder of other keys, as in a directory: `a` and `a/b` exclude each other. */
  readonly hierarchicalKeys: boolean;
}
