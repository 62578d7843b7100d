import { isEndedByAnother } from "./duckdb-process.ts";

const MAX_ATTEMPTS = 5;

/** Runs something again that failed only because another query had to be killed with DuckDB's process. */
export async function retryEndedByAnother<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !isEndedByAnother(error)) throw error;
    }
  }
}
