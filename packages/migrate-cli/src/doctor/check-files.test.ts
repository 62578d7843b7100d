import { createMemoryBackend, parseKey, type StorageBackend } from "@parquetry/core";
import { encodeParquet } from "@parquetry/core/unstable/tables";
import { describe, expect, it } from "vitest";
import type { Check } from "./check.ts";
import { checkFiles, MAX_ENDS_READ } from "./check-files.ts";

const parquet = await encodeParquet([{ n: 1 }], [{ name: "n", type: "int64" }]);
const text = (content: string): Uint8Array => new TextEncoder().encode(content);

async function tree(files: Readonly<Record<string, Uint8Array>>): Promise<StorageBackend> {
  const backend = createMemoryBackend();
  for (const [key, bytes] of Object.entries(files)) await backend.put(parseKey(key), bytes);
  return backend;
}

const named = (checks: readonly Check[], name: string): Check | undefined =>
  checks.find((check) => check.name === `partitions: ${name}`);

describe("checkFiles", () => {
  it("passes sound files, and says how many were read", async () => {
    const files = { "t/y=1/a.parquet": parquet, "t/y=1/_manifest.json": text("{}"), "t/y=2/b.PQ": parquet };
    const found = await checkFiles(
      await tree({ ...files, "t/y=3/c.csv": text("a\n"), "README.md": text("x") }),
    );
    expect(found).toEqual([
      {
        name: "partitions: data files",
        status: "ok",
        detail: "3 files, none empty or truncated; the ends of 2 Parquet files were read",
      },
    ]);
    expect(await checkFiles(await tree({ "raw/a": text("1") }))).toEqual([]);
  });

  it("finds empty and truncated files by their size and their ends", async () => {
    const found = await checkFiles(
      await tree({
        "t/y=1/empty.parquet": text(""),
        "t/y=1/empty.csv": text(""),
        "t/y=1/tiny.parquet": text("PAR1PAR1"),
        "t/y=2/cut.parquet": parquet.subarray(0, parquet.byteLength - 20),
        "t/y=2/tail.parquet": parquet.subarray(20),
        "t/y=2/short.parquet": Buffer.concat([text("PAR1"), parquet.subarray(parquet.byteLength - 8)]),
        "t/y=2/good.parquet": parquet,
      }),
    );
    const { status, detail, remedy } = named(found, "data files") ?? {};
    expect([status, remedy]).toEqual(["fail", expect.stringContaining("parquetry migrate --from SOURCE")]);
    expect(detail).toContain("6 empty, truncated or unreadable: ");
    for (const problem of [
      "t/y=1/empty.csv (0 bytes)",
      "t/y=1/empty.parquet (0 bytes)",
      "t/y=1/tiny.parquet (8 bytes)",
      "t/y=2/cut.parquet (does not end as Parquet)",
      "t/y=2/tail.parquet (does not begin as Parquet)",
      "t/y=2/short.parquet (shorter than its footer)",
    ])
      expect(detail).toContain(problem);
    expect(detail).not.toContain("good.parquet");
  });

  it("finds empty and truncated files of tables without partitions", async () => {
    const found = await checkFiles(
      await tree({
        "raw/teams/data.parquet": parquet.subarray(0, parquet.byteLength - 20),
        "raw/games/data.csv": text(""),
        "raw/games/notes.txt": text(""),
        "raw/_tmp/d.parquet": text(""),
        "top.parquet": text(""),
      }),
    );
    expect(found).toEqual([expect.objectContaining({ name: "partitions: data files", status: "fail" })]);
    expect(named(found, "data files")?.detail).toMatch(
      /^2 empty, truncated or unreadable: raw\/games\/data\.csv \(0 bytes\), raw\/teams\/data\.parquet \(does not end as Parquet\)/,
    );
  });

  it("names files that stop other engines, with the command that fixes it, and strays", async () => {
    const found = await checkFiles(
      await tree({
        "t/y=1/a.parquet": parquet,
        "t/y=1/manifest.json": text("{}"),
        "t/y=1/notes.txt": text("x"),
        "t/y=1/b.orc": text("x"),
        "t/y=1/_SUCCESS": text(""),
        "t/_delta_log/y=1/0.json": text("{}"),
      }),
    );
    expect(named(found, "manifests")).toMatchObject({
      status: "warn",
      detail: "1 stop pandas, pyarrow and Spark: t/y=1/manifest.json",
      remedy: expect.stringContaining("parquetry repair --from "),
    });
    expect(named(found, "other files")?.detail).toContain(": t/y=1/notes.txt");
    expect(named(found, "strays")?.detail).toBe("1 not read by any query: t/y=1/b.orc");
  });

  it("names data files in folders below a partition that are none themselves", async () => {
    const found = await checkFiles(
      await tree({
        "t/y=1/a.parquet": parquet,
        "t/y=1/sub/b.parquet": text(""),
        "t/y=1/sub/w=2/c.csv": text("a\n"),
        "t/y=1/_tmp/d.parquet": text(""),
      }),
    );
    expect(named(found, "data files")).toMatchObject({
      status: "ok",
      detail: expect.stringMatching(/^1 file,/),
    });
    expect(named(found, "misplaced files")).toMatchObject({
      status: "warn",
      detail: expect.stringMatching(
        /^2 not read by any query, .*: t\/y=1\/sub\/b\.parquet, t\/y=1\/sub\/w=2\/c\.csv$/,
      ),
    });
  });

  it("finds manifests that stop queries of their partition", async () => {
    const found = await checkFiles(
      await tree({
        "t/y=1/_manifest.json": text("not JSON"),
        "t/y=2/manifest.json": text('{"files":"other"}'),
        "t/y=3/_manifest.json": text('{"rows":1}'),
        "_manifest.json": text("not in a partition"),
      }),
    );
    expect(named(found, "foreign manifests")).toMatchObject({
      status: "fail",
      detail:
        "2 cannot be read as a manifest of Parquetry: t/y=1/_manifest.json (corrupt), t/y=2/manifest.json (corrupt)",
      remedy: expect.stringContaining("mv OLD NEW"),
    });
  });

  it("reads the ends of a bounded number of files", async () => {
    const backend = await tree(
      Object.fromEntries(
        Array.from({ length: 2 * MAX_ENDS_READ + 5 }, (_, i) => [`t/y=${i}/a.parquet`, parquet]),
      ),
    );
    let reads = 0;
    const counted: StorageBackend = {
      ...backend,
      get: (...args) => {
        reads++;
        return backend.get(...args);
      },
    };
    const [check] = await checkFiles(counted);
    expect(reads).toBe(2 * MAX_ENDS_READ);
    expect(check?.detail).toContain("the ends of 1,000 of 2,005 Parquet files were read");
  });
});
