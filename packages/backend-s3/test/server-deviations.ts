/** Where a server is known to break the contract, and why. */
export interface ServerDeviation {
  /** The server, as `scripts/servers` names it. */
  readonly server: string;
  /** The case of the conformance suite, by its name or the start of it. */
  readonly guarantee: string;
  /** What the server does instead. */
  readonly reason: string;
}

/** Every known deviation. A case named here must still fail, so that the table shrinks when a server is mended. */
export const SERVER_DEVIATIONS: readonly ServerDeviation[] = [
  {
    server: "minio",
    guarantee: "a key below another key is an object of its own",
    reason: "keeps objects as folders of a file system, so of x and x/y a listing shows only one",
  },
];
