import type { Storage } from "@parquetry/core";
import { type CustomKind, isOfKind, type OptionKinds, objectWith } from "@parquetry/core/unstable";
import type { QueryDatabase } from "@parquetry/query";
import type { Comparison } from "./comparison.ts";
import type { QueryRequests, RequestPrice } from "./price.ts";
import type { RunStatus } from "./run-status.ts";

/** Options of `startUi`. */
export interface StartUiOptions {
  /** The storage that the page shows. The caller closes it after the page. */
  readonly storage: Storage;
  /** The database that runs the page's SQL, over the same storage. The caller closes it after the page. */
  readonly database: QueryDatabase;
  /** A second place, to show which files are equal, missing, differing or unverifiable there. Default: none. */
  readonly comparison?: Comparison | undefined;
  /** The port on 127.0.0.1. Default: 4923, where the browser finds the history of queries again, or a free one if it is taken. */
  readonly port?: number | undefined;
  /** Returns the price of the requests that a query would make to a remote store. Default: prices are not shown. */
  readonly priceOf?: ((requests: QueryRequests) => RequestPrice | undefined) | undefined;
  /**
   * Returns the migrations and verifications to show, newest first. It is called twice a second while the page shows them.
   * Default: none.
   */
  readonly runs?: (() => Promise<readonly RunStatus[]>) | undefined;
}

/** The kind of a storage. */
export const STORAGE: CustomKind = {
  expected: "a Storage",
  is: (value) => typeof value === "object" && value !== null && "backend" in value,
};
/** The kind of a database. */
export const DATABASE: CustomKind = {
  expected: "what openQuery() of @parquetry/query returns",
  is: (value) =>
    typeof value === "object" &&
    value !== null &&
    "open" in value &&
    "explain" in value &&
    "describe" in value,
};
const PORT: CustomKind = {
  expected: "a port, 0 to 65535",
  is: (value) => isOfKind("whole", value) && Number(value) <= 65_535,
};
const COMPARISON: CustomKind = objectWith("two places and how to compare them", {
  from: "string",
  to: "string",
  run: "function",
});
/** The kinds of {@link StartUiOptions}. */
export const UI_OPTIONS: OptionKinds<StartUiOptions> = {
  storage: STORAGE,
  database: DATABASE,
  comparison: COMPARISON,
  port: PORT,
  priceOf: "function",
  runs: "function",
};
