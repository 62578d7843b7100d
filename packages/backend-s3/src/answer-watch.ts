import { NO_ANSWER, type NoAnswer } from "@parquetry/core/unstable";

/** After this long without an answer it is reported, in milliseconds: a little early, since people count the seconds. */
const REPORT_AFTER_MS = 9_500;

/** It is reported again after this long, in milliseconds. */
const REPORT_AGAIN_MS = 60_000;

/** Fewer bytes than this per second are not an answer: a store that sends a byte now and then is as good as silent. */
const MIN_BYTES_PER_SECOND = 34;

/** How often the requests are looked at, in milliseconds. */
const TICK_MS = 500;

/** A request that is watched. */
export interface WatchedRequest {
  /** The longest time in which fewer bytes than {@link MIN_BYTES_PER_SECOND} may come, in milliseconds. */
  readonly stallTimeoutMs: number;
  /** Whether the store works for the request without a sign of life, so that silence means nothing for a minute. */
  readonly isHeavy: boolean;
  /** Whether this side has to act: it waits for its bandwidth, or has bytes that nobody has read. */
  isOurTurn(): boolean;
  /** Whether all of it was sent, so that only the answer is due. */
  isSent(): boolean;
  /** How many bytes have been sent and received so far. */
  movedBytes(): number;
  /** Called when too little has come for too long. */
  onStalled(): void;
}

/** Watches the requests to one host. */
export interface AnswerWatch {
  /** A request begins. The result ends the watch: with a complete answer, or without. */
  begin(request: WatchedRequest): (isAnswered: boolean) => void;
}

/** A request since it was last found to be well. */
interface Entry {
  readonly request: WatchedRequest;
  since: number;
  bytesThen: number;
  bytesAtTick: number;
}

/**
 * Reports a host from which nothing comes on {@link NO_ANSWER}, and fails requests to which it sends too little. The silence
 * goes on from one attempt to the next: only an answer ends it.
 */
export function createAnswerWatch(endpoint: string): AnswerWatch {
  const entries = new Set<Entry>();
  let timer: NodeJS.Timeout | undefined;
  let silentSince = 0;
  let bytesInSilence = 0;
  let wasAnswered = true;
  let endedAt = 0;
  let reportAt = REPORT_AFTER_MS;

  const endSilence = (now: number): void => {
    silentSince = now;
    bytesInSilence = 0;
    reportAt = REPORT_AFTER_MS;
  };

  const check = (entry: Entry, now: number): void => {
    const { request, since, bytesThen } = entry;
    const bytes = request.movedBytes();
    bytesInSilence += bytes - entry.bytesAtTick;
    entry.bytesAtTick = bytes;
    const elapsedMs = now - since;
    // The socket's own timeout watches an upload, and an answer to a heavy request may trickle.
    const isExcused = request.isHeavy || request.isOurTurn() || !request.isSent();
    if (!isExcused && elapsedMs < request.stallTimeoutMs) return;
    if (!isExcused && bytes - bytesThen < fewBytes(elapsedMs)) request.onStalled();
    entry.since = now;
    entry.bytesThen = bytes;
  };

  const tick = (): void => {
    const now = performance.now();
    for (const entry of entries) check(entry, now);
    const due = [...entries].filter(({ request }) => !request.isOurTurn());
    const waitedMs = now - silentSince;
    if (due.length === 0 || bytesInSilence >= fewBytes(Math.max(waitedMs, REPORT_AFTER_MS))) {
      endSilence(now);
      return;
    }
    const patienceMs = due.every(({ request }) => request.isHeavy) ? REPORT_AGAIN_MS : 0;
    if (waitedMs < Math.max(reportAt, patienceMs)) return;
    reportAt = waitedMs + REPORT_AGAIN_MS;
    const message: NoAnswer = { endpoint, waitedMs };
    NO_ANSWER.publish(message);
  };

  return {
    begin(request) {
      const now = performance.now();
      // After a failure, a request soon afterwards is another attempt.
      if (entries.size === 0 && (wasAnswered || now - endedAt > REPORT_AGAIN_MS)) endSilence(now);
      const bytes = request.movedBytes();
      const entry = { request, since: now, bytesThen: bytes, bytesAtTick: bytes };
      entries.add(entry);
      timer ??= setInterval(tick, Math.min(TICK_MS, request.stallTimeoutMs / 2)).unref();
      return (isAnswered) => {
        if (!entries.delete(entry)) return;
        endedAt = performance.now();
        wasAnswered = isAnswered;
        if (isAnswered) endSilence(endedAt);
        if (entries.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
  };
}

function fewBytes(elapsedMs: number): number {
  return (MIN_BYTES_PER_SECOND * elapsedMs) / 1000;
}
