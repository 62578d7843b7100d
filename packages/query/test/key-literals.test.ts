import { createMemoryBackend, partition, Storage } from "@parquetry/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";

let db: QueryDatabase;

beforeAll(async () => {
  const storage = new Storage(createMemoryBackend());
  await storage.replacePartitions(
    "raw/plays",
    [-1, 0, 1, 2, 10, 31, 1_000, 1_000_000_000].map((game) => ({
      partition: partition({ game: String(game) }),
      rows: [{ play: game / 2 }],
    })),
  );
  db = await openQuery(storage);
});

afterAll(() => db.close());

/** The answer, or the first words of the refusal. */
async function answer(sql: string): Promise<unknown> {
  try {
    return (await db.sql(sql)).rows;
  } catch (error) {
    return error instanceof Error ? error.message.slice(0, 30) : error;
  }
}

const LITERALS = [
  ...[
    "1",
    "1.0",
    "1e9",
    "1e0",
    "1.5e1",
    "-0.0",
    "0.1",
    ".5",
    "1_000",
    "0x1F",
    "1e300",
    "1e400",
    "NULL",
    "true",
  ],
  ...["9007199254740993", "123456789012345678901234567890", "1::DOUBLE", "1::FLOAT", "1.0::DECIMAL(4,1)"],
  ...["'1'", "'x'", "''", "'1.0'", "DATE '2020-01-01'", "INTERVAL 1 DAY", "'\\x01'::BLOB", "[1]", "{'a': 1}"],
  ...[
    "'NaN'::DOUBLE",
    "'infinity'::DOUBLE",
    "1 + 1.0",
    "-1",
    "- 1e0",
    "abs(-1.0)",
    "2 ** 3",
    "5 // 2",
    "5 / 2",
  ],
];

it.each(LITERALS)("compares a key with %s as an unpruned query does", async (literal) => {
  for (const operator of ["=", "<>", "<", ">=", "IS DISTINCT FROM"]) {
    const where = `WHERE game ${operator} ${literal} OR game = 31`;
    const pruned = await answer(`SELECT game, play FROM plays ${where} ORDER BY ALL`);
    expect(pruned, where).toEqual(
      await answer(`SELECT * FROM (SELECT game, play FROM plays) ${where} ORDER BY ALL`),
    );
  }
});
