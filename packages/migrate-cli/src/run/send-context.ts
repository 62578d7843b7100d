import type { BandwidthLimiter } from "@parquetry/core/unstable";
import type { ArrivalContext } from "./arrival.ts";
import type { UnderWay } from "./under-way.ts";
import type { UploadJournal } from "./upload-journal.ts";

/** The two sides of a copy, and what is called while one file is sent. */
export interface SendContext extends ArrivalContext {
  /** Limits the rate of writing. Default: none, or the backends limit their own transfers. */
  readonly limiter?: BandwidthLimiter | undefined;
  /** Stops before the next part of an upload that can be resumed, and any other file of which much is left. */
  readonly stopSignal?: AbortSignal | undefined;
  /** Records what is under way. */
  readonly underWay?: UnderWay | undefined;
  /** Records uploads in parts, so that a later process can resume them. */
  readonly uploads?: UploadJournal | undefined;
  /** Called with the bytes read; negative when they have to be read again. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** Called when an interrupted upload is resumed, with the number of parts that the store already has. */
  readonly onResumed?: ((parts: number) => void) | undefined;
}
