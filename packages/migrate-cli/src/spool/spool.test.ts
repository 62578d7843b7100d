import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { createSpool } from "./spool.ts";

const read = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
};

describe("createSpool", () => {
  it.each([0, 3, 4, 5, 20_000])("returns %i items in order, repeatedly", async (count) => {
    const spool = createSpool<{ readonly key: string }>(4);
    const items = Array.from({ length: count }, (_, i) => ({ key: `é🏈\n\u2028"${i}` }));
    for (const item of items) spool.push(item);
    expect(spool.length).toBe(count);
    expect(spool.first(2)).toEqual(items.slice(0, 2));
    expect(await read(spool)).toEqual(items);
    spool.push({ key: "late" });
    expect((await read(spool)).at(-1)).toEqual({ key: "late" });
    spool.close();
  });

  it("can be read twice concurrently, and in part", async () => {
    const spool = createSpool<number>(2);
    for (let i = 0; i < 50_000; i++) spool.push(i);
    for await (const item of spool) if (item === 10) break;
    const [a, b] = await Promise.all([read(spool), read(spool)]);
    expect(a).toEqual(b);
    expect(a).toHaveLength(50_000);
    spool.close();
  });

  it("removes its file when it is closed", () => {
    const folder = mkdtempSync(join(tmpdir(), "parquetry-test-spool-"));
    vi.stubEnv("TMPDIR", folder);
    const spool = createSpool<string>(0);
    for (let i = 0; i < 20_000; i++) spool.push("0123456789");
    spool.close();
    vi.unstubAllEnvs();
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  it("fails with a StorageError that names the folder if the disk is full", () => {
    const before = process.env["TMPDIR"];
    process.env["TMPDIR"] = "/nonexistent/tmp";
    try {
      const spool = createSpool<string>(0);
      const fill = (): void => {
        for (let i = 0; i < 20_000; i++) spool.push("some text");
      };
      expect(fill).toThrow(
        expect.objectContaining({
          code: "unavailable",
          message: expect.stringContaining("/nonexistent/tmp"),
        }),
      );
      spool.close();
    } finally {
      if (before === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = before;
    }
  });
});
