import { describe, expectTypeOf, it } from "vitest";
import {
  getStorage,
  isStorageError,
  openBackend,
  openQuery,
  openStorage,
  type Partition,
  partition,
  type QueryDatabase,
  type Row,
  Storage,
  type StorageError,
} from "./index.ts";

describe("parquetry", () => {
  it("gives a program tables from the environment, from a URI, or over a backend", async () => {
    expectTypeOf(await getStorage()).toEqualTypeOf<Storage>();
    expectTypeOf(await openStorage("s3://bucket")).toEqualTypeOf<Storage>();
    expectTypeOf(new Storage(await openBackend("/data"))).toEqualTypeOf<Storage>();
  });

  it("types rows, partitions and the number of written rows", async () => {
    const storage = await getStorage();
    const rows: Row[] = await storage.readIndex("raw/plays", { year: 2024, week: ["1", "2"] });
    const where = partition({ year: 2024, week: 1 });
    expectTypeOf(where).toEqualTypeOf<Partition>();
    expectTypeOf(storage.write("processed/byplay", rows, where)).resolves.toBeNumber();
    // @ts-expect-error a partition is not a path
    void storage.write("processed/byplay", rows, "year=2024");
    // @ts-expect-error a misspelt option
    void storage.write("processed/byplay", rows, where, { overwite: true });
  });

  it("opens SQL over a storage", async () => {
    const db = await openQuery(await getStorage());
    expectTypeOf(db).toEqualTypeOf<QueryDatabase>();
    const { rows } = await db.sql("SELECT 1 AS one");
    expectTypeOf(rows[0]?.["one"]).toBeUnknown();
    // @ts-expect-error parameters are an object or an array
    void db.sql("SELECT $year", 2024);
  });

  it("narrows errors by their code", () => {
    const error: unknown = undefined;
    if (isStorageError(error, "not_found")) expectTypeOf(error).toExtend<StorageError>();
  });
});
