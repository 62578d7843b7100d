import { describe, expect, it } from "vitest";
import {
  createMemoryBackend,
  type Partition,
  partition,
  type RowLike,
  Storage,
  type StorageBackend,
} from "../src/index.ts";

const PLACE = partition({ year: 2024 });
const throwing = (): never => {
  throw new RangeError("thrown by a getter");
};
const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;
const revoked = Proxy.revocable({}, {});
revoked.revoke();

const ROWS: Record<string, () => RowLike[]> = {
  "a getter that throws": () => [Object.defineProperty({ a: 1 }, "b", { enumerable: true, get: throwing })],
  "a getter that throws inside a value": () => [
    { a: Object.defineProperty({}, "b", { enumerable: true, get: throwing }) },
  ],
  "a proxy that throws": () => [new Proxy({ a: 1 }, { get: throwing, ownKeys: throwing })],
  "a revoked proxy as a value": () => [{ a: revoked.proxy }],
  "a value that contains itself": () => [{ a: cyclic }],
};

const schema = [{ name: "a", type: "int64" as const }];

/** Every method that reads rows. */
const WRITES: Record<string, (storage: Storage, rows: RowLike[]) => Promise<unknown>> = {
  write: (storage, rows) => storage.write("t", rows, PLACE),
  writePartitions: (storage, rows) => storage.writePartitions("t", rows, { by: ["a"] }),
  writeParquet: (storage, rows) => storage.writeParquet("x.parquet", rows),
  "writeParquet of batches": (storage, rows) =>
    storage.writeParquet(
      "x.parquet",
      (async function* () {
        yield rows;
      })(),
      { schema },
    ),
  writeCsv: (storage, rows) => storage.writeCsv("x.csv", rows),
};

/** A backend that fails for a reason unrelated to the rows. */
function faultyBackend(): StorageBackend {
  return {
    ...createMemoryBackend(),
    async put() {
      throw new TypeError("a fault of the backend");
    },
  };
}

describe.each(Object.entries(WRITES))("%s", (_, write) => {
  it.each(Object.entries(ROWS))("reports %s as invalid_argument, and stores nothing", async (_, rows) => {
    const storage = new Storage(createMemoryBackend());
    await expect(write(storage, rows())).rejects.toMatchObject({
      name: "StorageError",
      code: "invalid_argument",
    });
    expect(await storage.listFiles("")).toEqual([]);
  });

  it("does not blame the rows for a fault of another kind", async () => {
    const error: unknown = await write(new Storage(faultyBackend()), [{ a: 1, b: 1 }]).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(`${error}`).toContain("a fault of the backend");
    expect(`${error}`).not.toContain("rows or the schema");
  });
});

it("write refuses a partition whose code throws", async () => {
  const storage = new Storage(createMemoryBackend());
  for (const place of [revoked.proxy, new Proxy({}, { has: throwing, getPrototypeOf: throwing })])
    await expect(storage.write("t", [{ a: 1 }], place as Partition)).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("partition"),
    });
});

it("writeParquet reports batches that end with an error", async () => {
  const batches = (async function* () {
    yield [{ a: 1 }];
    throw new TypeError("the source has ended");
  })();
  await expect(
    new Storage(createMemoryBackend()).writeParquet("x.parquet", batches, { schema }),
  ).rejects.toMatchObject({
    code: "invalid_argument",
    message: expect.stringContaining("the source has ended"),
  });
});
