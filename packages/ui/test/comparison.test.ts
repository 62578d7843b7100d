import { setTimeout } from "node:timers/promises";
import { StorageError } from "@parquetry/core";
import { afterAll, describe, expect, it } from "vitest";
import type { ComparisonOverview, ComparisonTable, UnequalFiles } from "../src/answers.ts";
import type { ComparedFile, Comparison } from "../src/index.ts";
import { foldersAt } from "../src/map/partitions.ts";
import { browse, closeBrowser, faults, lacksBrowser, shifts } from "./browser.ts";
import { partitionsOf, putNames, serve, until } from "./support.ts";

afterAll(closeBrowser);

const FILES: readonly ComparedFile[] = [
  { key: "raw/plays/year=2023/week=1/_manifest.json", verdict: "equal", sizeBytes: 1 },
  { key: "raw/plays/year=2023/week=1/a.parquet", verdict: "equal", sizeBytes: 10 },
  { key: "raw/plays/year=2023/week=2/a.parquet", verdict: "missing", sizeBytes: 20 },
  { key: "raw/plays/year=2023/week=2/b.parquet", verdict: "equal", sizeBytes: 20 },
  { key: "raw/plays/year=2024/week=1/a.parquet", verdict: "differing", sizeBytes: 30 },
  { key: "raw/plays/year=2024/week=2/a.parquet", verdict: "unverifiable", sizeBytes: 40 },
  { key: "raw/teams/kind=a/a.parquet", verdict: "extra", sizeBytes: 50 },
  { key: "README.md", verdict: "missing", sizeBytes: 5 },
];

/** Two places that compare as these files do. */
function comparisonOf(files: readonly ComparedFile[], error?: StorageError): Comparison {
  return {
    from: "file:///data",
    to: "r2://bucket",
    async run({ onFile }) {
      for (const file of files) onFile(file);
      if (error !== undefined) throw error;
    },
  };
}

const atSource = FILES.filter(({ verdict }) => verdict !== "extra").map(({ key }) => key);
const isDone = ({ isDone: done }: ComparisonOverview): boolean => done;

describe("two places", () => {
  it("are counted by table and partition, with every file in one number", async () => {
    await using world = await serve((storage) => putNames(storage, atSource), {
      comparison: comparisonOf(FILES),
    });
    const overview = await until(world, "/api/comparison", isDone);
    expect(overview.files).toBe(FILES.length);
    const counted = overview.tables.flatMap(({ total }) => Object.values(total)).reduce((a, b) => a + b);
    expect(counted).toBe(FILES.length);
    expect(overview.tables.map(({ entity }) => entity)).toEqual(["raw/plays", "raw/teams", ""]);
    const plays = await partitionsOf<ComparisonTable>(world, "/api/comparison/table?name=raw/plays");
    expect(foldersAt(plays, 1)).toEqual(["year=2023", "week=2"]);
    const counts = Object.entries(plays.numbers).map(([verdict, files]) => [verdict, files[1]]);
    expect(Object.fromEntries(counts)).toEqual({
      ...{ equal: 1, missing: 1, extra: 0, differing: 0, unverifiable: 0 },
    });
    const files = await until<UnequalFiles>(
      world,
      "/api/comparison/files?folder=raw/plays/year=2023",
      () => true,
    );
    expect(files).toEqual({ files: [FILES[2]], more: false });
  });

  it("are compared again on demand, and an incomplete comparison says why", async () => {
    const problem = "2 folders cannot be read";
    const error = new StorageError({ code: "unavailable", op: "verify", message: problem });
    await using world = await serve(undefined, { comparison: comparisonOf(FILES, error) });
    expect((await until(world, "/api/comparison", isDone)).error).toBe(problem);
    const headers = { cookie: world.cookie, "content-type": "application/json" };
    await fetch(`${world.origin}/api/refresh`, { method: "POST", headers, body: "{}" });
    expect((await until(world, "/api/comparison", isDone)).files).toBe(FILES.length);
  });

  it("are counted once when two tabs compare again at the same time", async () => {
    const comparison: Comparison = {
      ...comparisonOf(FILES),
      async run({ onFile }) {
        for (const file of FILES) {
          await setTimeout(5);
          onFile(file);
        }
      },
    };
    await using world = await serve(undefined, { comparison });
    const headers = { cookie: world.cookie, "content-type": "application/json" };
    const again = (): Promise<Response> =>
      fetch(`${world.origin}/api/refresh`, { method: "POST", headers, body: "{}" });
    for (let round = 0; round < 3; round++) {
      await Promise.all([again(), again()]);
      expect((await until(world, "/api/comparison", isDone)).files).toBe(FILES.length);
    }
  });

  it("is a 404 without a second place", async () => {
    await using world = await serve();
    const answer = await fetch(`${world.origin}/api/comparison`, { headers: { cookie: world.cookie } });
    expect(answer.status).toBe(404);
  });
});

describe.skipIf(lacksBrowser())("two places in a browser", () => {
  for (const colorScheme of ["light", "dark"] as const)
    for (const width of [420, 1280])
      it(`are a map with numbers, names and commands, without a fault that axe finds: ${colorScheme}, ${width} px`, async () => {
        await using world = await serve((storage) => putNames(storage, atSource), {
          comparison: comparisonOf(FILES),
        });
        const { page, complaints } = await browse(world.ui.url, {
          colorScheme,
          viewport: { width, height: 900 },
        });
        await page.getByText("8 files compared").waitFor();
        const commands = (): Promise<string[]> => page.locator(".command code").allTextContents();
        const places = "--from file:///data --to r2://bucket";
        await expect
          .poll(commands)
          .toEqual([
            `parquetry migrate ${places} --include raw/plays/`,
            `parquetry migrate ${places} --include raw/plays/ --force`,
            `parquetry verify ${places} --include raw/plays/ --level full`,
          ]);
        await page.getByText("As a table").click();
        const row = page.getByRole("row", { name: /^2023 2/ });
        await expect
          .poll(() => row.getByRole("cell").allTextContents())
          .toEqual(["2023", "2", "0", "1", "0", "0", "1"]);
        expect(await faults(page)).toEqual([]);
        await page.locator("canvas").focus();
        for (const key of ["ArrowRight", "ArrowRight", "Enter"]) await page.keyboard.press(key);
        await page.getByText("year=2023 week=2: 1 missing, 1 equal").waitFor();
        await page.getByRole("cell", { name: "a.parquet" }).waitFor();
        expect(await commands()).toContain(
          `parquetry migrate ${places} --include raw/plays/year=2023/week=2/`,
        );
        await page.getByRole("button", { name: /^raw\/teams 1 extra/ }).click();
        await page.getByRole("row", { name: "extra 1 file only at the target" }).waitFor();
        await page.getByRole("button", { name: /^\(no table\) 1 missing/ }).click();
        await page.getByRole("heading", { name: "Files of no table" }).waitFor();
        expect(await faults(page)).toEqual([]);
        expect(await shifts(page)).toEqual([]);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(overflow).toBeLessThanOrEqual(0);
        expect(complaints).toEqual([]);
        await page.context().close();
      });
});
