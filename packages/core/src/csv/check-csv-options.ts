import { checkColumnList, invalid } from "../bytes/check-arguments.ts";
import { showValue } from "../bytes/show-value.ts";
import type { ReadCsvOptions } from "./read-csv.ts";
import type { WriteCsvOptions } from "./write-csv.ts";

/**
 * Checks options of CSV files, for callers without types.
 *
 * @throws StorageError `invalid_argument` naming the option.
 */
export function checkCsvOptions(options: ReadCsvOptions & WriteCsvOptions, op: string): void {
  const { encoding, nullValues, delimiter, inferTypes, columns } = options;
  if (encoding !== undefined && encoding !== "utf-8" && encoding !== "latin1")
    throw invalid(op, `encoding is ${showValue(encoding)}, expected "utf-8" or "latin1"`);
  if (delimiter !== undefined && (typeof delimiter !== "string" || delimiter === ""))
    throw invalid(op, `delimiter is ${showValue(delimiter)}, expected a text such as "," or "\\t"`);
  if (inferTypes !== undefined && typeof inferTypes !== "boolean")
    throw invalid(op, `inferTypes is ${showValue(inferTypes)}, expected true or false`);
  const texts =
    nullValues === undefined ||
    (Array.isArray(nullValues) && nullValues.every((text) => typeof text === "string"));
  if (!texts) throw invalid(op, `nullValues is ${showValue(nullValues)}, expected a list such as ["", "NA"]`);
  checkColumnList(columns, op);
}
