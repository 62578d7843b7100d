import type { Channel, TracingChannel } from "node:diagnostics_channel";
import { channel, tracingChannel } from "#platform";

/**
 * The messages of the channels of `node:diagnostics_channel`, by the channel's name. All names begin with `parquetry:`.
 *
 * `parquetry:no-answer` is a plain channel: `subscribe(name, handler)`. The others are tracing channels: `tracingChannel(name)` has the
 * events `start`, `asyncEnd` and `error`, which all get the same object, at the end with its `result` or `error`. Nothing is
 * computed for a channel without subscribers, and no message contains a secret.
 *
 * @example
 * ```ts
 * import { tracingChannel } from "node:diagnostics_channel";
 *
 * const startedAt = new WeakMap<object, number>();
 * const operations = tracingChannel("parquetry:operation");
 * operations.start.subscribe((message) => startedAt.set(message as object, performance.now()));
 * operations.asyncEnd.subscribe((message) => {
 *   const { operation, path, error } = message as DiagnosticMessages["parquetry:operation"];
 *   console.log(operation, path, performance.now() - (startedAt.get(message as object) ?? 0), error);
 * });
 * ```
 */
export interface DiagnosticMessages {
  /** A store that has not answered for 10 s, and then every minute. Its requests are under way or are being repeated. */
  "parquetry:no-answer": NoAnswer;
  /**
   * An operation of a backend as its caller sees it, with all retries. A `get` ends when its body is open. Each page of a listing
   * and each key of a `delete` is a message, whose `result` is that page or `DeleteResult`; one without a result found the end.
   */
  "parquetry:operation": Traced & {
    /** `local`, `s3`, `r2`, `memory`. */
    readonly backend: string;
    readonly operation: "head" | "get" | "put" | "list" | "delete" | "copy" | "rename";
    /** The key, the prefix of a listing, or `""` for a `delete`, whose results name the keys. */
    readonly path: string;
  };
  /** A commit of one partition. A write that lost to another and is repeated commits twice. */
  "parquetry:commit": Traced & {
    readonly backend: string;
    readonly entity: string;
    /** The folder of the partition. */
    readonly path: string;
    /** How many rows the new file has. */
    readonly rows: number;
    /** The size of the new file in bytes. */
    readonly sizeBytes: number;
    /** Whether the file replaces the committed ones, or is added. */
    readonly overwrite: boolean;
  };
  /** A query, until its result is ready to be read. The `result` is the `QueryStats`. Parameters are not in the message. */
  "parquetry:query": Traced & {
    readonly sql: string;
  };
  /** A file that a migration copies and checks. */
  "parquetry:migrated-file": Traced & {
    readonly key: string;
    readonly sizeBytes: number;
    readonly source: string;
    readonly target: string;
  };
}

/** What Node adds to the message of a tracing channel before it publishes the end. */
interface Traced {
  readonly result?: unknown;
  readonly error?: unknown;
}

/** A store that has not answered for a while. */
export interface NoAnswer {
  /** The host of the store, with its port. */
  readonly endpoint: string;
  /** How long nothing has come from it, in milliseconds. */
  readonly waitedMs: number;
}

/**
 * The channel on which backends report a store that does not answer, as {@link NoAnswer}. A program that wants to show it
 * subscribes once, whatever backends it opens.
 *
 * @example
 * ```ts
 * NO_ANSWER.subscribe((message) => console.error("no answer from", (message as NoAnswer).endpoint));
 * ```
 */
export const NO_ANSWER: Channel = channel("parquetry:no-answer");

/** Names of tracing channels. */
type TraceName = Exclude<keyof DiagnosticMessages, "parquetry:no-answer">;

const TRACES = {
  "parquetry:operation": tracingChannel("parquetry:operation"),
  "parquetry:commit": tracingChannel("parquetry:commit"),
  "parquetry:query": tracingChannel("parquetry:query"),
  "parquetry:migrated-file": tracingChannel("parquetry:migrated-file"),
} satisfies Record<TraceName, TracingChannel>;

/** Whether anyone listens to a tracing channel. */
export function isTraced(name: TraceName): boolean {
  return TRACES[name].hasSubscribers;
}

/**
 * Runs something, and publishes its start, end and error to the subscribers of a channel, if there are any.
 *
 * @param message makes the message. It is called only if someone has subscribed.
 * @param resultOf the part of the result that is published. Default: all of it.
 */
export function traced<Name extends TraceName, T>(
  name: Name,
  message: () => DiagnosticMessages[Name],
  run: () => Promise<T>,
  resultOf?: (result: T) => unknown,
): Promise<T> {
  const trace = TRACES[name];
  if (!trace.hasSubscribers) return run();
  if (resultOf === undefined) return trace.tracePromise(run, message());
  return new Promise((resolve, reject) => {
    const shown = async (): Promise<unknown> => {
      const result = await run();
      resolve(result);
      return resultOf(result);
    };
    trace.tracePromise(shown, message()).catch(reject);
  });
}
