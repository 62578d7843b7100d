import { createMemoryBackend, parseKey, partition, type Row, Storage } from "@parquetry/core";
import { encodeParquet, inferColumns } from "@parquetry/core/unstable/tables";
import { beforeEach, describe, expect, it } from "vitest";

/** How many damaged files are read. `PARQUETRY_FUZZ=1500` is the long run. */
const FILES = Number(process.env["PARQUETRY_FUZZ"] ?? 40);

const rows: Row[] = Array.from({ length: 300 }, (_, i) => ({
  i,
  text: `row ${i % 9}`,
  list: [i, i + 1],
  third: i / 3,
  time: new Date(i * 1e9),
  flag: i % 2 === 0,
  struct: { x: i, y: null },
}));
const good = await encodeParquet(rows, await inferColumns(rows));

/** Park and Miller's generator, for the same damage in every run. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (state * 48_271) % 2_147_483_647;
    yield state;
  }
}

describe("untrusted files", () => {
  let storage: Storage;
  const put = async (bytes: Uint8Array): Promise<void> => {
    await storage.backend.put(parseKey("raw/u/year=2024/a.parquet"), bytes);
  };
  const read = (options = {}): Promise<Row[]> =>
    storage.readIndex("raw/u", {}, { untrusted: { timeoutMs: 3_000, memoryMiB: 128, ...options } });

  beforeEach(() => {
    storage = new Storage(createMemoryBackend());
  });

  it("are read like others, whole and in part", async () => {
    await put(good);
    expect(await read()).toEqual(rows.map((row) => ({ ...row, year: "2024" })));
    expect(
      await storage.readParquet("raw/u/year=2024/a.parquet", { untrusted: true, columns: ["i"] }),
    ).toEqual(rows.map(({ i }) => ({ i })));
    for await (const batch of storage.scanParquet("raw/u/year=2024/a.parquet", { untrusted: true })) {
      expect(batch).not.toHaveLength(0);
      break;
    }
  });

  it("are refused if they are larger, claim more or take longer than allowed, naming the limit", async () => {
    await put(good);
    await expect(read({ maxBytes: 100 })).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringContaining("limit maxBytes of 100"),
    });
    await expect(read({ maxValues: 100 })).rejects.toThrow("limit maxValues of 100");
    await expect(read({ timeoutMs: 0.001 })).rejects.toThrow("limit timeoutMs of 0.001");
    const wide = Array.from({ length: 60_000 }, (_, i) => ({ text: `${i}`.repeat(20), list: [i, i, i] }));
    await put(await encodeParquet(wide, await inferColumns(wide)));
    await expect(read({ memoryMiB: 4, timeoutMs: 20_000 })).rejects.toThrow("limit memoryMiB of 4");
  });

  it(
    `neither hang nor kill the caller, whatever bits of them are flipped (${FILES} files)`,
    async () => {
      const random = numbers(20_241);
      let refused = 0;
      for (let file = 0; file < FILES; file++) {
        const damaged = new Uint8Array(good);
        for (let flips = 1 + (random.next().value % 3); flips > 0; flips--) {
          const at = random.next().value % damaged.byteLength;
          damaged[at] = (damaged[at] ?? 0) ^ (1 << (random.next().value % 8));
        }
        await put(damaged);
        try {
          await read();
        } catch (error) {
          refused++;
          expect(["corrupt", "not_supported"], String(error)).toContain((error as { code: unknown }).code);
        }
      }
      expect(refused).toBeGreaterThan(FILES / 5);
    },
    30_000 + FILES * 1_000,
  );

  it("of Parquetry are compared with their manifest, so that no flipped bit is returned as a value", async () => {
    await storage.write("raw/own", rows, partition({ year: 2024 }));
    const key = parseKey("raw/own/year=2024/part-0.parquet");
    const random = numbers(7);
    for (let file = 0; file < 200; file++) {
      const damaged = new Uint8Array(good);
      const { body } = await storage.backend.get(key);
      if (file === 0) expect(await body.bytes()).toEqual(good);
      else await body.cancel();
      const at = random.next().value % damaged.byteLength;
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (random.next().value % 8));
      const broken = new Storage(createMemoryBackend());
      await broken.write("raw/own", rows, partition({ year: 2024 }));
      await broken.backend.put(key, damaged);
      await expect(broken.readIndex("raw/own")).rejects.toMatchObject({
        code: "corrupt",
        message: expect.stringContaining("its manifest says"),
      });
    }
  });
});
