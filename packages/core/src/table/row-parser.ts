import { z } from "zod";
import type { Row } from "../bytes/row.ts";
import { StorageError } from "../bytes/storage-error.ts";

/**
 * Returns a function that parses the rows of one file by a zod schema. A column that the file lacks is null, unless the
 * schema accepts a missing one.
 *
 * @throws StorageError `corrupt` that names the file, the row and the problem, when a row does not fit.
 */
export function rowParser<T>(schema: z.ZodType<T>, file: string): (rows: Row[]) => T[] {
  const required =
    schema instanceof z.ZodObject
      ? Object.entries(schema.shape).flatMap(([name, field]) =>
          (field as z.ZodType).safeParse(undefined).success ? [] : [name],
        )
      : [];
  let index = 0;
  return (rows) =>
    rows.map((row) => {
      for (const name of required) if (!Object.hasOwn(row, name)) row[name] = null;
      const parsed = schema.safeParse(row);
      if (!parsed.success) throw unfit(file, index, parsed.error);
      index++;
      return parsed.data;
    });
}

function unfit(file: string, row: number, error: z.ZodError): StorageError {
  const issues = error.issues
    .map(({ path, message }) => `${path.join(".") || "the row"}: ${message}`)
    .join("; ");
  return new StorageError({
    code: "corrupt",
    op: "readIndex",
    path: file,
    message: `row ${row} of ${file} does not fit the rowSchema: ${issues}. Correct the rows, or widen the schema.`,
    cause: error,
  });
}
