import { parentPort, workerData } from "node:worker_threads";
import type { Row } from "../bytes/row.ts";
import { isStorageError } from "../bytes/storage-error.ts";
import type { ParquetLimits } from "./guard/index.ts";
import { openParquet } from "./open-parquet.ts";

/** The worker's data. */
export interface UntrustedJob {
  /** The file's name in errors. */
  readonly name: string;
  /** The whole file. */
  readonly bytes: ArrayBuffer;
  /** The columns to read. */
  readonly columns: readonly string[];
  readonly limits: ParquetLimits;
}

/** The answer to each request for a batch. */
export type UntrustedAnswer =
  | { readonly rows: Row[] }
  | { readonly done: true }
  | { readonly error: { readonly code: "corrupt" | "not_supported"; readonly message: string } };

const { name, bytes, columns, limits }: UntrustedJob = workerData;
const port = parentPort;

async function* batches(): AsyncGenerator<Row[]> {
  const source = {
    name,
    byteLength: bytes.byteLength,
    slice: async (start: number, end?: number) => bytes.slice(start, end),
  };
  yield* (await openParquet(source, limits)).scan(columns);
}

const rows = batches();
port?.on("message", async () => {
  let answer: UntrustedAnswer;
  try {
    const next = await rows.next();
    answer = next.done ? { done: true } : { rows: next.value };
  } catch (error) {
    const code = isStorageError(error, "not_supported") ? "not_supported" : "corrupt";
    answer = { error: { code, message: error instanceof Error ? error.message : String(error) } };
  }
  port.postMessage(answer);
});
