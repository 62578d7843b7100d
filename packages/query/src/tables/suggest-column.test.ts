import { expect, it } from "vitest";
import { suggestColumn } from "./suggest-column.ts";

it("says how many columns there are if it does not list them all", () => {
  const columns = Array.from({ length: 55 }, (_, i) => ({ name: `c${i}`, type: "BIGINT" }));
  expect(suggestColumn("zzzzzz", [{ columns, keys: [] }])).toMatch(
    /^ Columns are c0, .*, c19, … \(55 in all\)\.$/,
  );
});
