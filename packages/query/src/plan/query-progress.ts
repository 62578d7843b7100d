/** How far a query is. */
export type QueryProgress =
  /** Partitions are being listed and chosen. */
  | { readonly phase: "planning"; readonly listRequests: number }
  /** Files are being brought to this machine. Bytes are those of the store. */
  | {
      readonly phase: "fetching";
      readonly files: number;
      readonly totalFiles: number;
      readonly bytes: number;
      readonly totalBytes: number;
    }
  /** The engine runs it: everything is here. How long that takes nobody knows. */
  | { readonly phase: "running" };
