import { StorageError } from "@parquetry/core";
import { expect, it } from "vitest";
import { suggestColumn } from "./suggest-column.ts";

it("says how many columns there are where it does not list them all", () => {
  const error = new StorageError({ code: "invalid_argument", op: "sql", message: "sql: no column zzz." });
  const columns = Array.from({ length: 55 }, (_, i) => ({ name: `c${i}`, type: "BIGINT" }));
  expect(suggestColumn(error, "zzzzzz", [{ columns, keys: [] }]).message).toMatch(
    /Columns are c0, .*, c19, … \(55 in all\)\.$/,
  );
});
