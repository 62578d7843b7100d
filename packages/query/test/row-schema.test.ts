import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBackend, partition, type Row, Storage } from "@parquetry/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { openQuery, type QueryDatabase, type RowSchema } from "../src/index.ts";

const SQL = "SELECT year, team, yards FROM plays ORDER BY yards";
const schema = z.object({
  year: z.int(),
  team: z.string(),
  yards: z.number().transform((yards) => yards * 2),
});

let cacheDirectory: string;
let db: QueryDatabase;

beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), "parquetry-row-schema-"));
  const storage = new Storage(createMemoryBackend());
  const rows = Array.from({ length: 5000 }, (_, yards) => ({ team: "a", yards }));
  await storage.write("plays", rows, partition({ year: 2024 }));
  db = await openQuery(storage, { cacheDirectory });
});

afterAll(async () => {
  await db?.close();
  await rm(cacheDirectory, { recursive: true, force: true });
});

/** A schema of a library without zod's classes, whose answers are promises. */
function asynchronous<T>(parse: (row: Row) => T): RowSchema<T> {
  const validate = async (row: unknown): Promise<{ readonly value: T }> => ({ value: parse(row as Row) });
  return { "~standard": { version: 1, vendor: "test", validate } };
}

describe("the schema of a query", () => {
  it("parses the rows of sql, stream and open", async () => {
    const { rows } = await db.sql(SQL, [], { schema });
    const doubled = Array.from({ length: 5000 }, (_, i) => ({ year: 2024, team: "a", yards: i * 2 }));
    expect(rows).toEqual(doubled);
    const streamed: number[] = [];
    for await (const batch of db.stream(SQL, [], { schema }))
      for (const { yards } of batch) streamed.push(yards);
    expect(streamed).toEqual(doubled.map(({ yards }) => yards));
    await using cursor = await db.open(SQL, [], { schema });
    let count = 0;
    for await (const batch of cursor) count += batch.length;
    expect(count).toBe(5000);
  });

  it("may answer with promises, and change the type of a row", async () => {
    const { rows } = await db.sql(SQL, [], {
      schema: asynchronous(({ yards }) => `${yards} yards`),
      maxRows: 5000,
    });
    expect(rows.slice(0, 2)).toEqual(["0 yards", "1 yards"]);
  });

  it("names the row and the column that do not fit", async () => {
    const strict = z.object({ yards: z.number().max(4000) });
    await expect(db.sql(SQL, [], { schema: strict })).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringMatching(/row 4001 of the result does not fit the schema: yards: /),
    });
  });

  it.each([
    ["null", null],
    ["a string", "year"],
    ["an object without ~standard", { year: "number" }],
  ])("is refused if it is %s", async (_, wrong) => {
    await expect(db.sql(SQL, [], { schema: wrong as never })).rejects.toThrow("Standard Schema");
  });

  it("is refused by calls without rows", async () => {
    const options: object = { schema };
    await expect(db.columns(SQL, [], options)).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(db.explain(SQL, [], options)).rejects.toMatchObject({ code: "invalid_argument" });
  });
});
