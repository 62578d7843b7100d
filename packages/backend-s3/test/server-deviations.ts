import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A known deviation of a server from the contract. */
export interface ServerDeviation {
  /** The name of the server in `scripts/servers`. */
  readonly server: string;
  /** The name of the case in the conformance suite, or the start of it. */
  readonly guarantee: string;
  /** The behaviour of the server. */
  readonly reason: string;
  /** Whether it only happens sometimes. Otherwise the case must fail, so that the entry is removed when the server is fixed. */
  readonly sometimes?: boolean;
}

/** All known deviations. The guarantee table of the README is generated from them, too. */
const SERVER_DEVIATIONS: readonly ServerDeviation[] = JSON.parse(
  readFileSync(join(import.meta.dirname, "server-deviations.json"), "utf8"),
);

/** Returns the deviation of a server from a guarantee, or undefined if it keeps it. */
export function deviationOf(server: string, guarantee: string): ServerDeviation | undefined {
  return SERVER_DEVIATIONS.find((known) => known.server === server && guarantee.startsWith(known.guarantee));
}
