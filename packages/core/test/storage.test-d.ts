import { describe, expectTypeOf, it } from "vitest";
import { z } from "zod";
import {
  type ColumnSchema,
  columnsFromZod,
  Partition,
  type PartitionFilters,
  partition,
  type ReplaceResult,
  type Row,
  type Storage,
  type StorageError,
} from "../src/index.ts";

declare const storage: Storage;
const place = partition({ year: 2024, week: 1n, bowl: false, division: null, team: "Rice" });
const rows: readonly Row[] = [{ a: 1 }];
const Play = z.object({ team: z.string(), yards: z.int().nullable(), year: z.coerce.number() });
type Play = z.infer<typeof Play>;

describe("partition", () => {
  it("takes strings, numbers, bigints, booleans and null, and nothing else", () => {
    expectTypeOf(place).toEqualTypeOf<Partition>();
    expectTypeOf(place.get("year")).toEqualTypeOf<string | null | undefined>();
    expectTypeOf(place.toObject()).toEqualTypeOf<Record<string, string | null>>();
    expectTypeOf(Partition.parse).returns.toEqualTypeOf<Partition>();
    // @ts-expect-error a Date has several spellings
    partition({ day: new Date() });
    // @ts-expect-error undefined is not NULL
    partition({ year: undefined });
    // @ts-expect-error one value only
    partition({ year: ["2024"] });
    // @ts-expect-error entries go to Partition.of
    partition([["year", "2024"]]);
  });
});

interface Game {
  readonly team: string;
  readonly points: number | null;
}

describe("writes", () => {
  it("take rows of an interface, a type or a class, and nothing that is not a row", () => {
    const games: readonly Game[] = [];
    class Play {
      yards = 1;
    }
    storage.write("raw/games", games, place);
    storage.write("raw/games", [new Play()], place);
    storage.write("raw/games", [{ team: "Rice" }], place);
    storage.writePartitions("raw/games", games, { by: ["team"] });
    storage.writeParquet("a.parquet", games);
    storage.writeCsv("a.csv", games);
    storage.replacePartitions("raw/games", [{ partition: place, rows: games }]);
    // @ts-expect-error by is required
    storage.writePartitions("raw/games", games, {});
    // @ts-expect-error an array is not a row
    storage.write("raw/games", [["a", 1]], place);
    // @ts-expect-error a Map is not a row
    storage.write("raw/games", [new Map([["a", 1]])], place);
    // @ts-expect-error a Date is not a row
    storage.write("raw/games", [new Date()], place);
    // @ts-expect-error a function is not a row
    storage.write("raw/games", [() => 1], place);
    // @ts-expect-error a promise is not a row
    storage.write("raw/games", [Promise.resolve({ a: 1 })], place);
    // @ts-expect-error a string is not a row
    storage.write("raw/games", ["a"], place);
  });
});

describe("readIndex and scan", () => {
  it("return rows of unknown values", () => {
    expectTypeOf(storage.readIndex("raw/plays")).resolves.toEqualTypeOf<Row[]>();
    expectTypeOf(storage.scan("raw/plays")).toEqualTypeOf<AsyncGenerator<Row[]>>();
    expectTypeOf<Row["yards"]>().toEqualTypeOf<unknown>();
  });

  it("return what rowSchema parses", () => {
    const options = { rowSchema: Play, columns: ["team", "yards"] };
    expectTypeOf(storage.readIndex("raw/plays", {}, options)).resolves.toEqualTypeOf<Play[]>();
    expectTypeOf(storage.scan("raw/plays", {}, options)).toEqualTypeOf<AsyncGenerator<Play[]>>();
    const named = { rowSchema: Play.transform(({ team }) => team) };
    expectTypeOf(storage.readIndex("raw/plays", {}, named)).resolves.toEqualTypeOf<string[]>();
  });

  it("take one value or a list of values for each key", () => {
    expectTypeOf(storage.readIndex).parameter(1).toEqualTypeOf<PartitionFilters | undefined>();
    storage.readIndex("raw/plays", { year: 2024, week: ["1", 2, null], bowl: true });
    // @ts-expect-error a range is not a filter
    storage.readIndex("raw/plays", { week: { gt: 1 } });
    // @ts-expect-error a set is not a list
    storage.readIndex("raw/plays", { week: new Set(["1"]) });
    // @ts-expect-error columns is a list
    storage.readIndex("raw/plays", {}, { columns: "team" });
    // @ts-expect-error a misspelt option
    storage.readIndex("raw/plays", {}, { column: ["team"] });
    // @ts-expect-error a misspelt value
    storage.scan("raw/plays", {}, { onUnreadable: "ignore" });
    storage.scan("raw/plays", {}, { onUnreadable: "skip", onSkippedFile: ({ code, path }) => [code, path] });
  });
});

describe("write", () => {
  it("takes rows, a Partition and options of the right kinds", () => {
    expectTypeOf(storage.write("raw/plays", rows, place)).resolves.toEqualTypeOf<number>();
    const plays: Play[] = [{ team: "Rice", yards: null, year: 2024 }];
    storage.write("raw/plays", plays, place, { overwrite: false, onConflict: "retry" });
    storage.write("raw/plays", plays, place, { schema: columnsFromZod(Play) });
    storage.write("raw/plays", rows, place, {
      onLeftover: (error) => expectTypeOf(error).toEqualTypeOf<StorageError>(),
    });
    // @ts-expect-error the partition is required
    storage.write("raw/plays", rows);
    // @ts-expect-error a partition is made by partition({ … })
    storage.write("raw/plays", rows, { year: 2024 });
    // @ts-expect-error overwrite is a boolean
    storage.write("raw/plays", rows, place, { overwrite: "false" });
    // @ts-expect-error a misspelt option
    storage.write("raw/plays", rows, place, { overwite: true });
    // @ts-expect-error a misspelt type
    storage.write("raw/plays", rows, place, { schema: [{ name: "a", type: "int32" }] });
    // @ts-expect-error one row is not a list of rows
    storage.write("raw/plays", { a: 1 }, place);
  });

  it("takes partitions of an iterable or async iterable in replacePartitions, and no overwrite", () => {
    async function* season(): AsyncGenerator<{ partition: Partition; rows: Row[] }> {}
    expectTypeOf(storage.replacePartitions("raw/plays", season())).resolves.toEqualTypeOf<ReplaceResult>();
    storage.replacePartitions("raw/plays", [{ partition: place, rows }], { concurrency: 4 });
    // @ts-expect-error it always replaces
    storage.replacePartitions("raw/plays", season(), { overwrite: false });
    // @ts-expect-error an item lacks its rows
    storage.replacePartitions("raw/plays", [{ partition: place }]);
  });
});

describe("readParquet and writeParquet", () => {
  it("read rows of unknown values", () => {
    expectTypeOf(storage.readParquet("a.parquet", { columns: ["a"] })).resolves.toEqualTypeOf<Row[]>();
    expectTypeOf(storage.scanParquet("a.parquet")).toEqualTypeOf<AsyncGenerator<Row[]>>();
    storage.readParquet("a.parquet", { untrusted: { timeoutMs: 1_000 } });
    // @ts-expect-error a misspelt limit
    storage.readParquet("a.parquet", { untrusted: { timeout: 1_000 } });
    // @ts-expect-error rowSchema is an option of readIndex and scan
    storage.readParquet("a.parquet", { rowSchema: Play });
  });

  it("write rows at once or in batches", () => {
    const schema: readonly ColumnSchema[] = [{ name: "sides", type: { list: "int64" } }];
    storage.writeParquet("a.parquet", rows, { schema });
    storage.writeParquet("a.parquet", storage.scan("raw/plays"), { schema });
    // @ts-expect-error a sync iterable of batches
    storage.writeParquet("a.parquet", new Set([rows]), { schema });
  });
});
