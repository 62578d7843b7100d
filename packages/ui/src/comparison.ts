/** How a file of two places compares: `missing` is only in the first one, `extra` only in the second one. */
export type FileVerdict = "equal" | "missing" | "extra" | "differing" | "unverifiable";

/** A file that was compared. */
export interface ComparedFile {
  readonly key: string;
  readonly verdict: FileVerdict;
  readonly sizeBytes: number;
}

/** Two places to show side by side, as `verifyMigration` of `@parquetry/migrate-cli` compares them. */
export interface Comparison {
  /** The URLs of both places. */
  readonly from: string;
  readonly to: string;
  /** Compares them, and calls `onFile` for each file. A comparison that cannot be completed rejects. */
  readonly run: (options: {
    readonly signal: AbortSignal;
    readonly onFile: (file: ComparedFile) => void;
  }) => Promise<void>;
}
