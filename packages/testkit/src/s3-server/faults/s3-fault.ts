import type { S3Operation } from "../operations/s3-operation.ts";
import type { S3ErrorCode } from "../s3-error.ts";

/**
 * The statuses that a fault may answer: 403 is `AccessDenied`, 409 `ConditionalRequestConflict`, 429 `TooManyRequests`, 500
 * `InternalError`, 503 `SlowDown`.
 */
export type S3FaultStatus = 403 | 409 | 429 | 500 | 503;

/** The error code of each status a fault may have. */
export const FAULT_CODES: Readonly<Record<S3FaultStatus, S3ErrorCode>> = {
  403: "AccessDenied",
  409: "ConditionalRequestConflict",
  429: "TooManyRequests",
  500: "InternalError",
  503: "SlowDown",
};

/**
 * Something that goes wrong with one request.
 *
 * - `status`: an error reply in place of the operation, of an {@link S3FaultStatus}. No `Retry-After` by default.
 * - `reset`: the connection is reset (RST). `before`: nothing was done. `during`: when half of the request's
 *   body has come, or where it has none, half of the reply's gone. `after-commit`: the operation is done, and
 *   no byte of the reply is sent.
 * - `drop-reply`: the operation is done, then the connection is closed in good order (FIN) without a reply.
 * - `stall`: the reply's body stops after `afterBytes`, by default half of it, and the connection stays open.
 *   A reply without a body never comes.
 * - `truncate`: as `stall`, but the connection is closed.
 * - `flip-byte`: one bit of one byte of the body is another, at `offset`, by default in the middle: of the
 *   request's body as it arrives, or where it has none, of the reply's.
 * - `latency`: the server waits before it does anything.
 * - `bandwidth`: bodies in both directions go no faster.
 * - `short-pages`: listings return at most `maxKeys` entries a page.
 * - `clock-skew`: for this request the server's clock is off by `ms`, in its check of the signature's time and
 *   in its `Date`.
 *
 * @example
 * const fault: S3Fault = { kind: "status", status: 503, retryAfterSeconds: 1 };
 */
export type S3Fault =
  | { readonly kind: "status"; readonly status: S3FaultStatus; readonly retryAfterSeconds?: number }
  | { readonly kind: "reset"; readonly when: "before" | "during" | "after-commit" }
  | { readonly kind: "drop-reply" }
  | { readonly kind: "stall"; readonly afterBytes?: number }
  | { readonly kind: "truncate"; readonly afterBytes?: number }
  | { readonly kind: "flip-byte"; readonly offset?: number }
  | { readonly kind: "latency"; readonly ms: number }
  | { readonly kind: "bandwidth"; readonly bytesPerSecond: number }
  | { readonly kind: "short-pages"; readonly maxKeys: number }
  | { readonly kind: "clock-skew"; readonly ms: number };

/**
 * When a fault happens. Of the requests that match `operation` and `key`, it happens to all, or to the `nth`,
 * or to some by `probability`. Rules are independent: several may hit one request.
 *
 * A rule for `DeleteObjects` with a `key` is asked for each key of a batch; a `status` fault then fails that
 * key alone, in the per-key results.
 *
 * @example
 * const rule: S3FaultRule = { operation: "PutObject", nth: [1, 2], fault: { kind: "status", status: 503 } };
 */
export interface S3FaultRule {
  /** Operations it may happen to; all by default. */
  readonly operation?: S3Operation | readonly S3Operation[];
  /** Keys it may happen to: equal to a string, or matching an expression; all by default. */
  readonly key?: string | RegExp;
  /** Which of the matching requests, counted from 1; all by default. */
  readonly nth?: number | readonly number[];
  /**
   * Share of the matching requests, 0 to 1; all by default. The draw depends on the seed, the operation, the
   * key and how often that pair was asked for, but not on how requests interleave, so that a run with
   * concurrency fails in the same places again.
   */
  readonly probability?: number;
  /** Seed of `probability`; 1 by default. */
  readonly seed?: number;
  readonly fault: S3Fault;
}

const KINDS: Readonly<Record<S3Fault["kind"], true>> = {
  status: true,
  reset: true,
  "drop-reply": true,
  stall: true,
  truncate: true,
  "flip-byte": true,
  latency: true,
  bandwidth: true,
  "short-pages": true,
  "clock-skew": true,
};

/** For callers without types. */
function checkFault(fault: S3Fault): void {
  if (!Object.hasOwn(KINDS, fault.kind))
    throw new RangeError(
      `There is no fault of the kind ${JSON.stringify(fault.kind)}. Kinds are ${Object.keys(KINDS).join(", ")}.`,
    );
  if (fault.kind !== "status" || Object.hasOwn(FAULT_CODES, fault.status)) return;
  throw new RangeError(
    `A fault cannot have the status ${JSON.stringify(fault.status)}. It may be ${Object.keys(FAULT_CODES).join(", ")}.`,
  );
}

/** A number in [0, 1) that looks random but follows from the text. */
function draw(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  // The finalizer of MurmurHash3 spreads what differs only in the last character.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

function includes<Value>(wanted: Value | readonly Value[] | undefined, value: Value): boolean {
  return wanted === undefined || wanted === value || (Array.isArray(wanted) && wanted.includes(value));
}

function matchesKey(wanted: string | RegExp | undefined, key: string): boolean {
  if (wanted === undefined || typeof wanted === "string") return wanted === undefined || wanted === key;
  // A global expression would go on from where it last matched.
  wanted.lastIndex = 0;
  return wanted.test(key);
}

interface RuleState {
  readonly rule: S3FaultRule;
  /** Requests that matched so far. */
  matched: number;
  /** How often each operation and key came up, for draws. */
  readonly seen: Map<string, number>;
}

/**
 * A list of rules with the counts they need.
 *
 * @throws RangeError for a fault of a kind or a status that there is not: the server would answer it in no sensible way.
 * @example
 * const script = new S3FaultScript([{ nth: 1, fault: { kind: "latency", ms: 50 } }]);
 * script.next("GetObject", "a"); // [{ kind: "latency", ms: 50 }]
 */
export class S3FaultScript {
  readonly #rules: readonly RuleState[];

  constructor(rules: readonly S3FaultRule[]) {
    for (const { fault } of rules) checkFault(fault);
    this.#rules = rules.map((rule) => ({ rule, matched: 0, seen: new Map() }));
  }

  /** Faults of the next request for that operation and key. */
  next(operation: S3Operation, key: string): S3Fault[] {
    // Rules with a key are asked for each key of a batch, not for the batch.
    return this.#draw(operation, key, ({ rule }) => operation !== "DeleteObjects" || rule.key === undefined);
  }

  /** Faults of one key of a DeleteObjects request. */
  nextDeleted(key: string): S3Fault[] {
    return this.#draw("DeleteObjects", key, ({ rule }) => rule.key !== undefined);
  }

  #draw(operation: S3Operation, key: string, concerns: (state: RuleState) => boolean): S3Fault[] {
    const faults: S3Fault[] = [];
    for (const state of this.#rules) {
      const { rule, seen } = state;
      if (!concerns(state) || !includes(rule.operation, operation) || !matchesKey(rule.key, key)) continue;
      state.matched += 1;
      if (!includes(rule.nth, state.matched)) continue;
      if (rule.probability !== undefined) {
        const pair = `${operation} ${key}`;
        const times = (seen.get(pair) ?? 0) + 1;
        seen.set(pair, times);
        if (draw(`${rule.seed ?? 1} ${pair} ${times}`) >= rule.probability) continue;
      }
      faults.push(rule.fault);
    }
    return faults;
  }
}
