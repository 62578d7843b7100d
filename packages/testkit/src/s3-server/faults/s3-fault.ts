import {
  checkArgument,
  checkOptions,
  either,
  invalid,
  type OptionKinds,
  oneOf,
  showBriefly,
} from "@parquetry/core/unstable";
import { S3_OPERATIONS, type S3Operation } from "../operations/s3-operation.ts";
import type { S3ErrorCode } from "../s3-error.ts";

/**
 * The statuses that a fault can return: 403 is `AccessDenied`, 409 `ConditionalRequestConflict`, 429 `TooManyRequests`, 500
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
 * - `status`: an error reply with an {@link S3FaultStatus} instead of the operation. No `Retry-After` by default.
 * - `reset`: the connection is reset (RST). `before`: the operation is not performed. `during`: after half of the request's
 *   body was received, or after half of the reply was sent if the request has no body. `after-commit`: the operation is
 *   performed, but no byte of the reply is sent.
 * - `drop-reply`: the operation is performed, then the connection is closed normally (FIN) without a reply.
 * - `stall`: the reply's body stops after `afterBytes`, by default after half of it, and the connection stays open. A reply
 *   without a body is never sent.
 * - `truncate`: like `stall`, but the connection is closed.
 * - `flip-byte`: one bit of the byte at `offset` is inverted, by default in the middle: in the request's body as it arrives,
 *   or in the reply's if the request has none.
 * - `latency`: the server waits `ms` before it does anything.
 * - `bandwidth`: bodies are limited to `bytesPerSecond` in both directions.
 * - `short-pages`: listings return at most `maxKeys` entries per page.
 * - `clock-skew`: the server's clock is off by `ms` when it checks the signature's time and sets `Date`.
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
 * When a fault happens. It hits every request that matches `operation` and `key`, or only the `nth` of them, or a share of
 * them by `probability`. Rules are independent: several may hit one request.
 *
 * A rule for `DeleteObjects` with a `key` is evaluated for each key of a batch. A `status` fault then fails that key alone, in
 * the per-key results.
 *
 * @example
 * const rule: S3FaultRule = { operation: "PutObject", nth: [1, 2], fault: { kind: "status", status: 503 } };
 */
export interface S3FaultRule {
  /** Operations to hit; all by default. */
  readonly operation?: S3Operation | readonly S3Operation[];
  /** Keys to hit: one that equals a string, or all that match an expression; all by default. */
  readonly key?: string | RegExp;
  /** Which of the matching requests, counted from 1; all by default. */
  readonly nth?: number | readonly number[];
  /**
   * Share of the matching requests, 0 to 1; all by default. The draw depends on the seed, the operation, the key and the
   * number of earlier requests for both, not on how requests interleave, so that a concurrent run fails in the same places
   * when it is repeated.
   */
  readonly probability?: number;
  /** Seed of `probability`; 1 by default. */
  readonly seed?: number;
  readonly fault: S3Fault;
}

const KEY_PATTERN = { expected: "a RegExp", is: (value: unknown) => value instanceof RegExp };

const RULE_KINDS: OptionKinds<S3FaultRule> = {
  operation: either(oneOf(...S3_OPERATIONS), {
    expected: "an array of them",
    is: (value) => Array.isArray(value) && value.every((one) => S3_OPERATIONS.includes(one)),
  }),
  key: either("string", KEY_PATTERN),
  nth: either("count", "array"),
  probability: "number",
  seed: "number",
  fault: "object",
};

const KIND = "string";
const FAULT_KINDS: { readonly [Kind in S3Fault["kind"]]: OptionKinds<Extract<S3Fault, { kind: Kind }>> } = {
  status: {
    kind: KIND,
    status: oneOf(...Object.keys(FAULT_CODES).map(Number)),
    retryAfterSeconds: "number",
  },
  reset: { kind: KIND, when: oneOf("before", "during", "after-commit") },
  "drop-reply": { kind: KIND },
  stall: { kind: KIND, afterBytes: "bytes" },
  truncate: { kind: KIND, afterBytes: "bytes" },
  "flip-byte": { kind: KIND, offset: "bytes" },
  latency: { kind: KIND, ms: "number" },
  bandwidth: { kind: KIND, bytesPerSecond: "positive" },
  "short-pages": { kind: KIND, maxKeys: "count" },
  "clock-skew": { kind: KIND, ms: "number" },
};
const OPTIONAL_FIELDS = ["retryAfterSeconds", "afterBytes", "offset"];

/** For callers without types. */
function checkRule(rule: S3FaultRule, op: string): void {
  checkArgument(rule, "object", "rule", op);
  checkOptions(rule, RULE_KINDS, op);
  const { fault = { kind: undefined } } = rule;
  const { kind } = fault;
  if (typeof kind !== "string" || !Object.hasOwn(FAULT_KINDS, kind)) {
    const kinds = Object.keys(FAULT_KINDS).join(", ");
    throw invalid(op, `a fault must be of one of the kinds ${kinds}, got ${showBriefly(kind)}`);
  }
  // The compiler does not relate a fault to the table of its kind.
  const fields: OptionKinds<Record<string, unknown>> = FAULT_KINDS[kind];
  const values: Readonly<Record<string, unknown>> = { ...fault };
  checkOptions(values, fields, op);
  const missing = Object.keys(fields).find(
    (name) => !OPTIONAL_FIELDS.includes(name) && values[name] === undefined,
  );
  if (missing !== undefined) throw invalid(op, `a fault of the kind ${kind} needs ${missing}`);
}

/** Derives a number in [0, 1) from the text. */
function draw(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  // The finalizer of MurmurHash3 spreads texts that differ only in the last character.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

function includes<Value>(wanted: Value | readonly Value[] | undefined, value: Value): boolean {
  return wanted === undefined || wanted === value || (Array.isArray(wanted) && wanted.includes(value));
}

function matchesKey(wanted: string | RegExp | undefined, key: string): boolean {
  if (wanted === undefined || typeof wanted === "string") return wanted === undefined || wanted === key;
  // A global expression would continue after its last match.
  wanted.lastIndex = 0;
  return wanted.test(key);
}

interface RuleState {
  readonly rule: S3FaultRule;
  /** Requests that matched so far. */
  matched: number;
  /** Number of requests for each operation and key, for draws. */
  readonly seen: Map<string, number>;
}

/**
 * A list of rules and how often each has matched.
 *
 * @throws StorageError `invalid_argument` for a rule or fault that has a wrong name or value.
 * @example
 * const script = new S3FaultScript([{ nth: 1, fault: { kind: "latency", ms: 50 } }]);
 * script.next("GetObject", "a"); // [{ kind: "latency", ms: 50 }]
 */
export class S3FaultScript {
  readonly #rules: readonly RuleState[];

  constructor(rules: readonly S3FaultRule[], op = "setFaults") {
    checkArgument(rules, "array", "rules", op);
    for (const rule of rules) checkRule(rule, op);
    this.#rules = rules.map((rule) => ({ rule, matched: 0, seen: new Map() }));
  }

  /** Faults of the next request for that operation and key. */
  next(operation: S3Operation, key: string): S3Fault[] {
    // Rules with a key are evaluated for each key of a batch, not for the batch.
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
