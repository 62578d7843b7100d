import { type RowSchema, StorageError } from "@parquetry/core";
import { describeIssues } from "@parquetry/core/unstable/tables";

/**
 * Parses rows by a schema.
 *
 * @param first the number of the first row in the result, for messages.
 * @throws StorageError `invalid_argument` naming the row and the column of a value that does not fit.
 */
export async function parseRows<T>(
  rows: readonly unknown[],
  schema: RowSchema<T>,
  first: number,
): Promise<T[]> {
  const parsed: T[] = [];
  for (const [i, row] of rows.entries()) {
    const checked = schema["~standard"].validate(row);
    const result = checked instanceof Promise ? await checked : checked;
    if (result.issues !== undefined)
      throw new StorageError({
        code: "invalid_argument",
        op: "sql",
        retry: "never",
        message: `sql: row ${first + i} of the result does not fit the schema: ${describeIssues(result.issues)}. Change the SQL, for example by a cast, or the schema.`,
      });
    parsed.push(result.value);
  }
  return parsed;
}
