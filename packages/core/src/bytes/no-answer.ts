import { type Channel, channel } from "node:diagnostics_channel";

/** A store that has not answered for a while. Requests to it are still under way or are being repeated. */
export interface NoAnswer {
  /** The host of the store, with its port. */
  readonly endpoint: string;
  /** How long nothing has come from it, in milliseconds. */
  readonly waitedMs: number;
}

/**
 * The channel of `node:diagnostics_channel` on which backends report a store that does not answer, as {@link NoAnswer}: after
 * 10 s, and then every minute. A program that wants to show it subscribes once, whatever backends it opens.
 *
 * @example
 * ```ts
 * NO_ANSWER.subscribe((message) => console.error("no answer from", (message as NoAnswer).endpoint));
 * ```
 */
export const NO_ANSWER: Channel = channel("parquetry:no-answer");
