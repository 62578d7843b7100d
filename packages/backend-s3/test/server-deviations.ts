import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Where a server is known to break the contract, and why. */
export interface ServerDeviation {
  /** The server, as `scripts/servers` names it. */
  readonly server: string;
  /** The case of the conformance suite, by its name or the start of it. */
  readonly guarantee: string;
  /** What the server does instead. */
  readonly reason: string;
  /** True where it does so at times only. Without it the case must still fail, so that the table shrinks with a mended server. */
  readonly sometimes?: boolean;
}

/** Every known deviation: the one table, which the README's guarantees are made of too. */
const SERVER_DEVIATIONS: readonly ServerDeviation[] = JSON.parse(
  readFileSync(join(import.meta.dirname, "server-deviations.json"), "utf8"),
);

/** The deviation of a server from a guarantee, or undefined where it keeps it. */
export function deviationOf(server: string, guarantee: string): ServerDeviation | undefined {
  return SERVER_DEVIATIONS.find((known) => known.server === server && guarantee.startsWith(known.guarantee));
}
