import type { Row } from "../bytes/row.ts";
import { StorageError } from "../bytes/storage-error.ts";
import { describeIssues, issuePath, type RowSchema, type RowSchemaIssue } from "./row-schema.ts";

/**
 * Returns a function that parses the rows of one file by a schema. A column that the file lacks is null, unless the schema accepts
 * a missing one.
 *
 * @throws StorageError `corrupt` that names the file, the row and the problem, when a row does not fit.
 */
export function rowParser<T>(schema: RowSchema<T>, file: string): (rows: Row[]) => Promise<T[]> {
  const standard = schema["~standard"];
  // The columns that the file lacks and the schema requires. The schema itself reports them, since no library says them alike.
  const required = new Set<string>();
  let index = 0;
  return async (rows) => {
    const parsed: T[] = [];
    for (const row of rows) {
      for (const name of required) if (!Object.hasOwn(row, name)) row[name] = null;
      let result = standard.validate(row);
      // Most libraries return no promise, and an `await` for every row takes longer than a small schema.
      if (result instanceof Promise) result = await result;
      while (result.issues !== undefined) {
        if (!addMissing(row, result.issues, required)) throw unfit(file, index, result.issues);
        result = await standard.validate(row);
      }
      parsed.push(result.value);
      index++;
    }
    return parsed;
  };
}

/** Sets the missing columns of a row to null that its issues name. Returns whether there was one. */
function addMissing(row: Row, issues: readonly RowSchemaIssue[], required: Set<string>): boolean {
  let added = false;
  for (const issue of issues) {
    const [name] = issuePath(issue);
    if (typeof name !== "string" || name === "__proto__" || Object.hasOwn(row, name)) continue;
    row[name] = null;
    required.add(name);
    added = true;
  }
  return added;
}

function unfit(file: string, row: number, issues: readonly RowSchemaIssue[]): StorageError {
  return new StorageError({
    code: "corrupt",
    op: "readIndex",
    path: file,
    message: `row ${row} of ${file} does not fit the rowSchema: ${describeIssues(issues)}. Correct the rows, or widen the schema.`,
    cause: issues,
  });
}
