import { partition, type Storage } from "@parquetry/core";
import { afterAll, describe, expect, it } from "vitest";
import type { CompactionEstimate, DriftReport, FileDescription, FileList } from "../src/answers.ts";
import { requestsOf } from "../src/data/requests-of.ts";
import { browse, closeBrowser, faults, lacksBrowser, shifts } from "./browser.ts";
import { putNames, serve, until } from "./support.ts";

afterAll(closeBrowser);

const OTHER = { allowOtherTypes: true };

/** Six weeks: `yards` is a string in the first two, `epa` is missing in them, and `note` is NULL at first. */
async function drifting(storage: Storage): Promise<void> {
  for (let week = 1; week <= 6; week++) {
    const row = {
      yards: week <= 2 ? "7" : 7,
      ...(week <= 2 ? {} : { epa: 0.5 }),
      note: week === 1 ? null : "x",
      team: "Rice",
    };
    await storage.write("raw/plays", [row, row], partition({ week }), OTHER);
  }
}

const path = (name: string, values: Record<string, string>): string =>
  `${name}?${new URLSearchParams(values)}`;

describe("drift", () => {
  it("names the types of a column with their first and last partition, and the type that SQL joins them to", async () => {
    await using world = await serve(drifting);
    const report = await until<DriftReport>(world, "/api/drift?name=raw/plays", () => true);
    expect(report).toMatchObject({ partitions: 6, unreadable: [] });
    const [yards, epa] = ["yards", "epa"].map((name) => report.columns.find(({ column }) => column === name));
    expect(yards).toEqual({
      column: "yards",
      types: [
        { type: "int64", partitions: 4, first: "week=3", last: "week=6" },
        { type: "string", partitions: 2, first: "week=1", last: "week=2" },
      ],
      parts: [1, 1, 0, 0, 0, 0],
    });
    expect(epa?.joined).toBe("DOUBLE");
    expect(epa?.types.map(({ type, partitions }) => [type, partitions])).toEqual([
      ["double", 4],
      ["absent", 2],
    ]);
    expect(report.columns.map(({ column }) => column)).not.toContain("team");
  });

  it("agrees with what a query of all partitions does", async () => {
    const values = [1, 0.5, "x", true, [1], [0.5], ["x"], new Date(0), new Uint8Array(1), { a: 1 }];
    await using world = await serve(async (storage) => {
      for (const [i, a] of values.entries())
        for (const [j, b] of values.entries())
          for (const [k, value] of [a, b].entries())
            await storage.writeParquet(`raw/t${i}_${j}/k=${k}/x.parquet`, [{ a: value }]);
    });
    let refused = 0;
    for (const [i] of values.entries())
      for (const [j] of values.entries()) {
        const { columns } = await until<DriftReport>(world, `/api/drift?name=raw/t${i}_${j}`, () => true);
        expect(columns).toHaveLength(i === j ? 0 : 1);
        const [drift] = columns;
        if (drift === undefined) continue;
        const run = world.database.sql(`SELECT a FROM "raw/t${i}_${j}"`);
        if (drift.joined === undefined) {
          refused++;
          await expect(run).rejects.toThrow(/no type holds them all/);
        } else expect((await run).columns[0]?.type).toBe(drift.joined);
      }
    expect(refused).toBeGreaterThan(10);
  });

  it("keeps a single partition that differs visible among 2,500", async () => {
    await using world = await serve(async (storage) => {
      await storage.writePartitions(
        "raw/t",
        Array.from({ length: 2500 }, (_, k) => ({ k, a: 1 })),
        { by: ["k"] },
      );
      await storage.write("raw/t", [{ a: "x" }], partition({ k: 1234 }), OTHER);
    });
    const { columns } = await until<DriftReport>(world, "/api/drift?name=raw/t", () => true);
    expect(columns[0]?.parts).toHaveLength(1000);
    expect(columns[0]?.parts.filter((rank) => rank === 1)).toHaveLength(1);
  });
});

describe("the description of a file", () => {
  it("has the row groups and column chunks of the footer, with exact values", async () => {
    const rows = Array.from({ length: 25_000 }, (_, i) => ({
      id: 2n ** 60n + BigInt(i),
      name: i === 0 ? null : `n${i}`.padStart(80, "x"),
    }));
    await using world = await serve(async (storage) => {
      await storage.writeParquet("raw/t/k=1/a.parquet", rows);
    });
    const file = await until<FileDescription>(world, "/api/file?key=raw/t/k=1/a.parquet", () => true);
    expect(file).toMatchObject({ rows: 25_000, moreRowGroups: 0 });
    expect(file.rowGroups.map(({ rows: count }) => count)).toEqual([20_000, 5000]);
    const [id, name] = file.rowGroups[0]?.chunks ?? [];
    expect(id).toMatchObject({ column: "id", values: 20_000, nulls: 0, min: String(2n ** 60n) });
    expect(id?.max).toBe(String(2n ** 60n + 19_999n));
    expect(name?.nulls).toBe(1);
    expect(name?.max?.length).toBeLessThanOrEqual(61);
  });

  it("is refused for a path outside, a file of another format and a broken one, with a reason", async () => {
    await using world = await serve((storage) =>
      putNames(storage, ["raw/t/k=1/a.parquet", "raw/t/k=1/b.csv"]),
    );
    for (const [key, why] of [
      ["../etc/passwd.parquet", "segment"],
      ["raw/t/k=1/none.parquet", "none.parquet"],
      ["raw/t/k=1/b.csv", "not a Parquet file"],
      ["raw/t/k=1/a.parquet", "not a readable Parquet file"],
    ] as const) {
      const answer = await fetch(`${world.origin}${path("/api/file", { key })}`, {
        headers: { cookie: world.cookie },
      });
      expect([400, 404]).toContain(answer.status);
      expect(await answer.text()).toContain(why);
    }
  });
});

it("shows what compact would do, as compact then does it, and writes nothing itself", async () => {
  await using world = await serve(async (storage) => {
    for (let week = 1; week <= 3; week++)
      for (let part = 0; part < week; part++)
        await storage.writeParquet(`raw/t/week=${week}/${part}.parquet`, [{ a: part }]);
  });
  const listed = async (): Promise<FileList> => until<FileList>(world, "/api/files?folder=raw/t", () => true);
  const before = await listed();
  const estimate = await until<CompactionEstimate>(world, "/api/compaction?name=raw/t", () => true);
  expect(await listed()).toEqual(before);
  const { compacted } = await world.database.compact("raw/t");
  expect(estimate.partitions).toBe(compacted.length);
  expect(estimate.files).toBe(compacted.reduce((sum, { filesBefore }) => sum + filesBefore, 0));
  expect(estimate.bytes).toBe(compacted.reduce((sum, { bytesBefore }) => sum + bytesBefore, 0));
  expect(estimate.files).toBe(5);
});

it("counts requests for the files that are not cached, and none on a disk", () => {
  const plan = {
    tables: [{ table: "t", entity: "t", levels: [], partitions: 4, files: 4, bytes: 400, filesCached: 1 }],
    listRequests: 3,
    pruneMs: 0,
    planMs: 0,
  };
  expect(requestsOf(plan, { name: "s3" })).toEqual({ lists: 3, reads: 3, bytes: 300 });
  expect(requestsOf(plan, { name: "local" })).toBeUndefined();
});

describe.skipIf(lacksBrowser())("files and schema in a browser", () => {
  for (const colorScheme of ["light", "dark"] as const)
    for (const width of [420, 1280])
      it(`show drift, row groups and what compact would do, without a fault that axe finds: ${colorScheme}, ${width} px`, async () => {
        await using world = await serve(async (storage) => {
          await drifting(storage);
          for (const name of ["a", "b", "c"])
            await storage.writeParquet(`raw/small/k=1/${name}.parquet`, [{ a: 1 }]);
        });
        const { page, complaints } = await browse(`${world.ui.url}#table=raw/plays&view=schema`, {
          colorScheme,
          viewport: { width, height: 900 },
        });
        await page.getByRole("heading", { name: "yards" }).waitFor();
        await page.getByText("--column-type raw/plays.yards=VARCHAR").waitFor();
        await page.getByText("SQL reads it as DOUBLE, and as NULL where it is absent").waitFor();
        expect(await faults(page)).toEqual([]);
        await page.getByRole("button", { name: /^raw\/small/ }).click();
        await page.getByText(/^compact would replace 3 files .* by 1 file, one a partition/).waitFor();
        await page.getByRole("tab", { name: "Partitions" }).click();
        await page.locator("canvas").focus();
        for (const key of ["ArrowRight", "Enter"]) await page.keyboard.press(key);
        await page.getByRole("button", { name: "Row groups of b.parquet" }).click();
        await page.getByText("1 row in 1 row group").waitFor();
        await page.getByRole("cell", { name: "a", exact: true }).waitFor();
        expect(await faults(page)).toEqual([]);
        expect(await shifts(page)).toEqual([]);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(overflow).toBeLessThanOrEqual(0);
        expect(complaints).toEqual([]);
        await page.context().close();
      });
});
