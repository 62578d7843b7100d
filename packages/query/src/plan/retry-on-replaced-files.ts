import { isStorageError } from "@parquetry/core";

/** How often a query is planned, because files that it had listed were replaced or deleted before it read them. */
const MAX_ATTEMPTS = 4;

/** Prepares and runs something over listed files; does both again where a writer has replaced files in the meantime. */
export async function retryOnReplacedFiles<C, T>(
  prepare: () => Promise<C>,
  run: (context: C) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const context = await prepare();
    try {
      return await run(context);
    } catch (error) {
      const isReplaced = isStorageError(error, "not_found") || isStorageError(error, "precondition_failed");
      if (attempt === MAX_ATTEMPTS || !isReplaced) throw error;
    }
  }
}
