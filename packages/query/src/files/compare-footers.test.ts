import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeParquet } from "@parquetry/core/unstable/tables";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { footerComparer } from "./compare-footers.ts";
import { readFooter } from "./read-footer.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "compare-footers-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function file(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, bytes);
  return path;
}

const scanFile = (path: string, kind: "local" | "remote" = "local") => ({
  kind,
  path,
  version: `version of ${path}`,
  key: path,
  entries: [],
});

describe("footerComparer", () => {
  it("gives files one name exactly where they have the same columns", async () => {
    const nameOf = footerComparer();
    const int = await encodeParquet([{ a: 1 }], [{ name: "a", type: "int64" }]);
    const others = await encodeParquet(
      Array.from({ length: 50_000 }, (_, i) => ({ a: i })),
      [{ name: "a", type: "int64" }],
    );
    const one = nameOf(scanFile(await file("one.parquet", int)));
    expect(nameOf(scanFile(await file("other-rows.parquet", others)))).toBe(one);
    const different = [
      [{ name: "a", type: "double" as const }],
      [{ name: "A", type: "int64" as const }],
      [
        { name: "a", type: "int64" as const },
        { name: "b", type: "string" as const },
      ],
      [{ name: "a", type: "timestamp" as const }],
    ];
    const names = new Set([one]);
    for (const [i, columns] of different.entries()) {
      names.add(nameOf(scanFile(await file(`different-${i}.parquet`, await encodeParquet([], columns)))));
    }
    expect(names.size).toBe(1 + different.length);
  });

  it("gives each file that cannot be compared a different name", async () => {
    const nameOf = footerComparer();
    const good = await encodeParquet([{ a: 1 }], [{ name: "a", type: "int64" }]);
    const damaged = Buffer.from(good);
    damaged.fill(0xff, damaged.byteLength - 40, damaged.byteLength - 8);
    const wrongLength = Buffer.from(good);
    wrongLength.writeUInt32LE(0xffff_fff0, wrongLength.byteLength - 8);
    const encrypted = Buffer.concat([good.subarray(0, -4), Buffer.from("PARE")]);
    const pipe = join(directory, "pipe.parquet");
    execFileSync("mkfifo", [pipe]);
    const paths = [
      await file("damaged.parquet", damaged),
      await file("wrong-length.parquet", wrongLength),
      await file("encrypted.parquet", encrypted),
      await file("empty.parquet", new Uint8Array(0)),
      join(directory, "missing.parquet"),
      directory,
      pipe,
    ];
    for (const path of paths) expect(nameOf(scanFile(path)), path).toBe(`version of ${path}`);
    const path = await file("good.parquet", good);
    expect(nameOf(scanFile(path, "remote"))).toBe(`version of ${path}`);
    expect(nameOf(scanFile(path))).not.toBe(`version of ${path}`);
  });
});

describe("readFooter", () => {
  it("reads a footer that is longer than the first read, unless it is longer than allowed", async () => {
    const columns = Array.from({ length: 800 }, (_, i) => ({ name: `column_${i}`, type: "int64" as const }));
    const bytes = await encodeParquet([Object.fromEntries(columns.map(({ name }) => [name, 1]))], columns);
    const path = await file("wide.parquet", bytes);
    const footer = readFooter(path);
    expect(footer.byteLength).toBeGreaterThan(16 * 1024);
    expect(Buffer.from(footer)).toEqual(Buffer.from(bytes.subarray(-footer.byteLength)));
    expect(readFooter(path, footer.byteLength - 1)).toHaveLength(0);
  });
});
