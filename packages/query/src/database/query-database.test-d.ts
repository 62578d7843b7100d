import type { Row, RowSchema, Storage } from "@parquetry/core";
import { expectTypeOf, it } from "vitest";
import { openQuery } from "./open-query.ts";
import type { QueryCursor } from "./query-cursor.ts";
import type { QueryDatabase } from "./query-database.ts";
import type { QueryResult } from "./query-result.ts";

declare const storage: Storage;
declare const db: QueryDatabase;

it("types the calls of a query", () => {
  expectTypeOf(openQuery(storage, { isolate: true })).resolves.toEqualTypeOf<QueryDatabase>();
  expectTypeOf(db.sql("FROM plays").then(({ rows }) => rows)).resolves.toEqualTypeOf<readonly Row[]>();
  expectTypeOf<Awaited<ReturnType<typeof db.columns>>["data"]>().toEqualTypeOf<
    Readonly<Record<string, readonly unknown[]>>
  >();
  expectTypeOf(db.stream("FROM plays")).toEqualTypeOf<AsyncGenerator<Row[]>>();
  expectTypeOf(db.open("FROM plays")).resolves.toEqualTypeOf<QueryCursor>();
  expectTypeOf(db.sql).toBeCallableWith("FROM plays WHERE year = $year", { year: 2024n }, { maxRows: 5 });
  expectTypeOf(db.sql).toBeCallableWith("FROM plays WHERE week IN ?", [[1, 2]]);
});

it("types rows by a type or a schema", () => {
  type Play = { readonly year: number };
  const schema = {} as RowSchema<Play>;
  expectTypeOf<Awaited<ReturnType<typeof db.sql<Play>>>["rows"]>().toEqualTypeOf<readonly Play[]>();
  expectTypeOf(db.sql("FROM plays", [], { schema })).resolves.toEqualTypeOf<QueryResult<Play>>();
  expectTypeOf(db.sql("FROM plays", { year: 1 }, { maxRows: 5 })).resolves.toEqualTypeOf<QueryResult>();
  expectTypeOf(db.stream("FROM plays", [], { schema })).toEqualTypeOf<AsyncGenerator<Play[]>>();
  expectTypeOf(db.open("FROM plays", [], { schema })).resolves.toEqualTypeOf<QueryCursor<Play>>();
  // @ts-expect-error the values of columns are not parsed
  void db.columns("FROM plays", [], { schema });
});

it("refuses options of the wrong kind", () => {
  // @ts-expect-error a string is not a boolean
  void openQuery(storage, { trusted: "false" });
  // @ts-expect-error the option is called dryRun
  void db.compact("plays", { dryrun: true });
  // @ts-expect-error a function is not a parameter
  void db.sql("SELECT $f", { f: () => 1 });
});
