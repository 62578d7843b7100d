import type { ReplayableBody, UploadState } from "@parquetry/core/backend";

/** The transfers under way, and the parts that a stop would finish. */
export interface Unfinished {
  /** Files in one piece. */
  readonly files: number;
  /** Parts of uploads that can be resumed. */
  readonly parts: number;
  /** How many bytes these files and parts have left to send, at most. */
  readonly bytes: number;
  /** Large files that a stop ends at once, since they cannot be resumed; the next run starts them again. */
  readonly restarting: number;
}

/** A file that is copied as a stream. */
export interface StreamUnderWay {
  /** It has been sent up to this byte. */
  at(position: number): void;
  /** It is over. */
  end(): void;
}

/** An upload in parts. */
export interface PartsUnderWay {
  /** The body, which counts each part that is opened as under way. */
  watching(body: ReplayableBody): ReplayableBody;
  /** A part begins, unless it has begun before. */
  begin(range: { readonly start: number; readonly end: number }): void;
  /** The parts that the store has are no longer under way. */
  stored(state: UploadState): void;
  /** The upload is over. */
  end(): void;
}

/** Records the files and parts that are under way. */
export interface UnderWay {
  /** A file in one piece begins; the result ends it. */
  beginFile(sizeBytes: number): () => void;
  /** A stream begins; a stop ends it as long as more than `finishBytes` are left. */
  beginStream(sizeBytes: number, finishBytes: number): StreamUnderWay;
  /** An upload in parts begins. */
  beginParts(): PartsUnderWay;
  /** Sums up what is under way. */
  unfinished(): Unfinished;
}

interface Entry {
  readonly kind: "file" | "part" | "stream";
  readonly finishBytes: number;
  bytesLeft: number;
}

/** Makes an {@link UnderWay}. `onChange` is called when something has ended. */
export function createUnderWay(onChange: () => void): UnderWay {
  const entries = new Set<Entry>();
  const add = (kind: Entry["kind"], bytesLeft: number, finishBytes = Number.POSITIVE_INFINITY): Entry => {
    const entry = { kind, bytesLeft, finishBytes };
    entries.add(entry);
    return entry;
  };
  const remove = (entry: Entry): void => {
    if (entries.delete(entry)) onChange();
  };
  return {
    beginFile(sizeBytes) {
      const entry = add("file", sizeBytes);
      return () => remove(entry);
    },
    beginStream(sizeBytes, finishBytes) {
      const entry = add("stream", sizeBytes, finishBytes);
      return {
        at(position) {
          entry.bytesLeft = sizeBytes - position;
        },
        end: () => remove(entry),
      };
    },
    beginParts() {
      /** By their first byte. */
      const parts = new Map<number, Entry>();
      const end = (start: number, entry: Entry): void => {
        parts.delete(start);
        remove(entry);
      };
      const begin: PartsUnderWay["begin"] = ({ start, end }) => {
        if (!parts.has(start)) parts.set(start, add("part", end - start));
      };
      return {
        watching: (body) => ({
          sizeBytes: body.sizeBytes,
          open(range = { start: 0 }) {
            const { start, end: stop = body.sizeBytes } = range;
            begin({ start, end: stop });
            return body.open(range);
          },
        }),
        begin,
        stored({ partSizeBytes, parts: there }) {
          for (const { number } of there) {
            const start = (number - 1) * partSizeBytes;
            const entry = parts.get(start);
            if (entry !== undefined) end(start, entry);
          }
        },
        end() {
          for (const [start, entry] of parts) end(start, entry);
        },
      };
    },
    unfinished() {
      const sum = { files: 0, parts: 0, bytes: 0, restarting: 0 };
      for (const { kind, bytesLeft, finishBytes } of entries) {
        if (bytesLeft > finishBytes) {
          sum.restarting++;
          continue;
        }
        if (kind === "part") sum.parts++;
        else sum.files++;
        sum.bytes += bytesLeft;
      }
      return sum;
    },
  };
}
