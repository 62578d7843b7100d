import { describe, expect, it } from "vitest";
import { readTableStatement } from "./table-statement.ts";

describe("readTableStatement", () => {
  it.each(["SHOW TABLES", "show  tables ;", "SHOW ALL TABLES;", "describe", "-- which?\nSHOW TABLES;\n"])(
    "reads %j as the list of tables",
    (sql) => expect(readTableStatement(sql)).toEqual({ kind: "tables" }),
  );

  it.each([
    ["DESCRIBE plays", "plays"],
    ["desc plays;", "plays"],
    ["DESCRIBE TABLE plays", "plays"],
    ["DESCRIBE table", "table"],
    ["DESCRIBE tables", "tables"],
    ["SHOW TABLE plays ;;", "plays"],
    ["Show Columns From raw/plays", "raw/plays"],
    ["SHOW FIELDS IN plays", "plays"],
    ["SHOW plays", "plays"],
    ['SHOW "tables"', "tables"],
    ['DESC "raw/my plays";', "raw/my plays"],
    ['DESC"a""b"', 'a"b'],
    ["DESCRIBE 'O''Hara'", "O'Hara"],
    ["/* x */ DESCRIBE `raw/plays`", "raw/plays"],
    ['DESCRIBE "select x"', "select x"],
    ["DESCRIBE\n  plays\n;", "plays"],
    ["DESCRIBE 試合", "試合"],
  ])("reads %j as the description of %s", (sql, table) =>
    expect(readTableStatement(sql)).toEqual({ kind: "describe", table }),
  );

  it.each([
    "",
    ";",
    "SELECT 1",
    "FROM plays",
    "FROM describe",
    "DESCRIBE SELECT team FROM plays",
    "DESC FROM plays",
    "DESCRIBE (FROM plays)",
    "DESCRIBEplays",
    "DESCRIBE a, b",
    "SHOW TABLES; SELECT 1",
    "DESCRIBE a; DESCRIBE b",
    "SHOW TABLES LIKE 'p%'",
    "SHOW DATABASES",
    "SHOW TABLE",
    "SHOW CREATE TABLE plays",
    "SUMMARIZE plays",
    "SELECT 'SHOW TABLES'",
  ])("leaves %j to the engine", (sql) => expect(readTableStatement(sql)).toBeUndefined());
});
