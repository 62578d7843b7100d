import { describe, expect, it } from "vitest";
import { checkQuery, namedTables, shadowTables, withLiterals } from "./shadow-tables.ts";

const SESSION = { catalog: "hive", schema: "lake" };
const PLAYS = { ...SESSION, table: "plays", query: "Q" };

describe("shadowTables", () => {
  it.each<[string, string]>([
    ["SELECT * FROM plays", 'WITH "plays" AS (Q) SELECT * FROM plays'],
    ['SELECT * FROM "PLAYS" p, x', 'WITH "plays" AS (Q) SELECT * FROM "PLAYS" p, x'],
    ["SELECT * FROM hive.lake.plays", 'WITH "plays" AS (Q) SELECT * FROM "plays"'],
    [
      'SELECT * FROM x JOIN lake."plays" USING (a)',
      'WITH "plays" AS (Q) SELECT * FROM x JOIN "plays" USING (a)',
    ],
    [
      "WITH a AS (SELECT 1 FROM plays) SELECT * FROM a",
      'WITH "plays" AS (Q), a AS (SELECT 1 FROM plays) SELECT * FROM a',
    ],
    [
      "/* WITH */ with a as (select 1) select * from a, plays",
      '/* WITH */ with "plays" AS (Q), a as (select 1) select * from a, plays',
    ],
    [
      "WITH plays AS (SELECT * FROM plays WHERE a) SELECT * FROM plays",
      'WITH "plays$committed0" AS (Q), plays AS (SELECT * FROM "plays$committed0" AS "plays" WHERE a) SELECT * FROM plays',
    ],
    [
      "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT * FROM t, plays p, plays",
      'WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT * FROM t, (Q) p, (Q) AS "plays"',
    ],
    [
      "SELECT 'FROM lake.plays' FROM (plays) -- lake.plays",
      "WITH \"plays\" AS (Q) SELECT 'FROM lake.plays' FROM (plays) -- lake.plays",
    ],
    [
      "SELECT extract(day FROM lake.plays) FROM x lake, plays",
      'WITH "plays" AS (Q) SELECT extract(day FROM lake.plays) FROM x lake, plays',
    ],
    ["TABLE plays", 'WITH "plays" AS (Q) TABLE plays'],
    ["(SELECT * FROM plays) UNION SELECT 1", 'WITH "plays" AS (Q) (SELECT * FROM plays) UNION SELECT 1'],
  ])("puts the committed files in the place of the table: %s", (sql, expected) => {
    expect(shadowTables(sql, SESSION, [PLAYS])).toBe(expected);
  });
});

it.each<[string, readonly string[]]>([
  ["SELECT * FROM plays JOIN LAKE.plays p USING (a), other.games", ["hive.lake.plays", "hive.other.games"]],
  ["WITH plays AS (SELECT * FROM plays), b AS (TABLE plays) SELECT * FROM b", ["hive.lake.plays"]],
  ["WITH a AS (SELECT 1) SELECT * FROM a, tpch.tiny.nation", ["tpch.tiny.nation"]],
  ["SELECT 'FROM plays', extract(day FROM plays)", []],
])("namedTables finds the tables of %s", (sql, expected) => {
  const names = namedTables(sql, SESSION).map(
    ({ catalog, schema, table }) => `${catalog}.${schema}.${table}`,
  );
  expect(names).toEqual(expected);
});

describe("checkQuery", () => {
  it.each(["SELECT 1", " -- x\n(SELECT 1)", "with a as (select 1) table a", "VALUES 1"])(
    "allows %s",
    (sql) => {
      expect(() => checkQuery(sql)).not.toThrow();
    },
  );
  it.each(["DROP TABLE t", "INSERT INTO t SELECT 1", "CALL a.b()", "", "EXPLAIN ANALYZE DELETE FROM t"])(
    "refuses %s",
    (sql) => {
      expect(() => checkQuery(sql)).toThrow("only a query is allowed");
    },
  );
});

it("withLiterals replaces parameters, and no question mark in strings, names and comments", () => {
  expect(withLiterals(`SELECT '?', "?", ? /* ? */ + ? -- ?`, ["1", "'?'"])).toBe(
    `SELECT '?', "?", 1 /* ? */ + '?' -- ?`,
  );
});
