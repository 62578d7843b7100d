import { readFileSync } from "node:fs";
import { partition, type Storage } from "@parquetry/core";
import type { Page } from "playwright-core";
import { afterAll, describe, expect, it } from "vitest";
import { browse, closeBrowser, faults, lacksBrowser, shifts } from "./browser.ts";
import { putNames, serve } from "./support.ts";

const NASTY = `<img src=x onerror=alert(1)>"'&`;

afterAll(closeBrowser);

async function football(storage: Storage): Promise<void> {
  for (const year of [2023, 2024])
    for (const week of [1, 2, 4])
      await storage.write(
        "raw/plays",
        Array.from({ length: 20 }, (_, i) => ({
          play: BigInt(2) ** BigInt(60) + BigInt(i),
          team: `T${i % 3}`,
          yards: i,
        })),
        partition({ year, week }),
      );
  await storage.write("raw/teams", [{ name: "Rice" }], partition({ kind: "a" }));
}

/** Replaces the SQL as a person does. */
async function type(page: Page, sql: string): Promise<void> {
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(sql);
}

describe.skipIf(lacksBrowser())("the page in a browser", () => {
  for (const colorScheme of ["light", "dark"] as const)
    for (const width of [420, 800, 1280, 1920, 3840])
      it(`shows tables, the map with its gaps, and schemas without a fault that axe finds: ${colorScheme}, ${width} px`, async () => {
        await using world = await serve(football);
        const { page, complaints } = await browse(world.ui.url, {
          colorScheme,
          viewport: { width, height: 900 },
        });
        await page.locator(".level").getByText("2 gaps").waitFor();
        expect(await page.locator(".card").count()).toBe(2);
        await page
          .getByRole("button", { name: /^raw\/plays 6 partitions, 6 files .*, 120 rows .* 2 gaps$/ })
          .waitFor();
        expect(page.url()).not.toContain("token");
        expect(await faults(page)).toEqual([]);
        await page.getByRole("tab", { name: "Files and schema" }).click();
        await page.getByRole("cell", { name: "play", exact: true }).waitFor();
        await page.getByText("Every column has the same type in all 6 partitions.").waitFor();
        expect(await faults(page)).toEqual([]);
        expect(await shifts(page)).toEqual([]);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(overflow).toBeLessThanOrEqual(0);
        expect(complaints).toEqual([]);
        await page.context().close();
      });

  it("chooses a cell by the keyboard, shows its files, and keeps the choice in the address", async () => {
    await using world = await serve(football);
    const { page } = await browse(world.ui.url);
    await page.locator(".level").getByText("2 gaps").waitFor();
    await page.locator("canvas").focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    await page.getByText("year=2023 week=2: 1 file").waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "year=2023 / week=2" }).waitFor();
    await page.getByRole("cell", { name: /^part-.*\.parquet$/ }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "year=2023 / week=2" }).waitFor();
    await page.getByRole("button", { name: "Query these rows" }).click();
    await page
      .getByText("Reads plays: 1 partition, 1 file")
      .or(page.getByText(/Reads .*: 1 partition, 1 file/))
      .waitFor();
    await page.context().close();
  });

  it("runs SQL, shows integers beyond 2^53 exactly, plots the result, and offers files", async () => {
    await using world = await serve(football);
    const sql =
      "SELECT team, sum(play) AS total, count(*) AS n FROM plays WHERE year = 2024 GROUP BY team ORDER BY team";
    const { page, complaints } = await browse(`${world.ui.url}#view=sql&sql=${encodeURIComponent(sql)}`);
    await page.getByText("Reads plays: 3 partitions, 3 files").waitFor();
    await page.getByRole("button", { name: "Run" }).click();
    await page.getByText("3 rows in").waitFor();
    const { rows } = await world.database.sql<{ total: bigint }>(sql);
    await page.getByText(String(rows[0]?.total), { exact: true }).first().waitFor();
    await page.getByText("Chart", { exact: true }).click();
    await page.locator(".chart svg").first().waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "json" }).click(),
    ]);
    const text = readFileSync(await download.path(), "utf8");
    expect(text).toContain(`"total":${rows[0]?.total}`);
    const headers = page.locator("regular-table thead .column");
    await expect.poll(() => headers.nth(2).textContent()).toBe("nBIGINT18 to 210 % NULL");
    expect(await faults(page)).toEqual([]);
    await page.locator(".chart select").first().selectOption("dot");
    // The address has the result and its chart.
    await page.reload();
    await page.getByText("3 rows in").waitFor();
    await page.getByRole("img", { name: "dot chart of team and total" }).waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it.each([
    ["light", 420],
    ["dark", 420],
    ["dark", 1280],
    ["dark", 3840],
  ] as const)(
    "runs SQL and plots the result by the keyboard alone: %s, %i px",
    async (colorScheme, width) => {
      await using world = await serve(football);
      const { page } = await browse(`${world.ui.url}#view=sql`, {
        colorScheme,
        viewport: { width, height: 900 },
      });
      await page.locator(".cm-content").waitFor();
      await tabTo(page, ".cm-content");
      await page.keyboard.press("Control+A");
      await page.keyboard.type(
        "SELECT team, count(*) AS n FROM plays WHERE year = 2024 GROUP BY team ORDER BY team",
      );
      await page.keyboard.press("Escape");
      await page.keyboard.press("Control+Enter");
      await page.getByText("3 rows in").waitFor();
      await tabTo(page, "summary");
      await page.keyboard.press("Enter");
      await page.locator(".chart svg").first().waitFor();
      expect(await faults(page)).toEqual([]);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(overflow).toBeLessThanOrEqual(0);
      await page.context().close();
    },
  );

  it("draws the map again when the colour scheme changes", async () => {
    await using world = await serve(football);
    const { page } = await browse(world.ui.url, { colorScheme: "dark" });
    await page.locator(".level").getByText("2 gaps").waitFor();
    const picture = (): Promise<string> =>
      page.locator("canvas").evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
    const dark = await picture();
    await page.emulateMedia({ colorScheme: "light" });
    await expect.poll(picture).not.toBe(dark);
    const light = await picture();
    await page.reload();
    await page.locator(".level").getByText("2 gaps").waitFor();
    await expect.poll(picture).toBe(light);
    await page.context().close();
  });

  it("keeps the history of queries over a reload and a new start on the same port", async () => {
    await using first = await serve(football);
    const { page } = await browse(
      `${first.ui.url}#view=sql&sql=${encodeURIComponent("SELECT 42 AS answer")}`,
    );
    await page.getByRole("button", { name: /^Run Ctrl/ }).click();
    await page.getByText("1 row in").waitFor();
    const history = (): Promise<string[]> => page.getByLabel("History").locator("option").allTextContents();
    expect(await history()).toEqual(["History", "SELECT 42 AS answer"]);
    const port = Number(new URL(first.origin).port);
    await first[Symbol.asyncDispose]();
    await using second = await serve(football, { port });
    await page.goto(second.ui.url);
    await page.reload();
    await page.getByRole("tab", { name: "SQL" }).click();
    expect(await history()).toEqual(["History", "SELECT 42 AS answer"]);
    const kept = await page.evaluate(() => JSON.stringify(localStorage));
    expect(kept).not.toContain(new URL(second.ui.url).searchParams.get("token"));
    await page.getByLabel("History").selectOption({ index: 1 });
    await page.locator(".cm-content", { hasText: "SELECT 42 AS answer" }).waitFor();
    await page.context().close();
  });

  it("copies the query for the command line and for Python", async () => {
    await using world = await serve(football);
    const sql = "SELECT count(*) FROM plays";
    const { page } = await browse(`${world.ui.url}#view=sql&sql=${encodeURIComponent(sql)}`);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const copied = async (label: string): Promise<string> => {
      await page.getByLabel("Copy as").selectOption({ label });
      await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toContain(sql);
      const text = await page.evaluate(() => navigator.clipboard.readText());
      await page.evaluate(() => navigator.clipboard.writeText(""));
      return text;
    };
    expect(await copied("command line")).toMatch(/parquetry query 'SELECT count\(\*\) FROM plays'$/);
    expect(await copied("Python: DuckDB")).toContain('duckdb.read_parquet(files("plays"), ');
    expect(await copied("Python: Polars")).toContain('"plays": polars.scan_parquet(files("plays"), ');
    await page.context().close();
  });

  it("scrolls to the last of a million rows", async () => {
    await using world = await serve(football);
    const sql =
      "SELECT a.i * 1000 + b.i AS n FROM generate_series(0, 999) AS a(i), generate_series(0, 999) AS b(i) ORDER BY n";
    const { page } = await browse(`${world.ui.url}#view=sql&sql=${encodeURIComponent(sql)}`);
    await page.getByRole("button", { name: "Run" }).click();
    await page.getByText("1,000,000 rows in").waitFor({ timeout: 120_000 });
    await page.locator("regular-table").evaluate((table) => table.scrollTo(0, table.scrollHeight));
    await page.getByText("999999", { exact: true }).first().waitFor();
    await page.context().close();
  });

  it("draws 26,640 partitions", async () => {
    await using world = await serve((storage) =>
      putNames(
        storage,
        (function* () {
          for (let year = 1; year <= 37; year++)
            for (let week = 1; week <= 15; week++)
              for (let game = 1; game <= 48; game++)
                yield `raw/plays/year=${1987 + year}/week=${week}/game=${game}/data.parquet`;
          yield "raw/teams/k=1/data.parquet";
        })(),
      ),
    );
    const { page, complaints } = await browse(world.ui.url);
    await page.getByText("26,640 partitions").waitFor();
    await page.locator(".level").getByText("555 cells").waitFor();
    const paints = await page.evaluate(() =>
      performance
        .getEntriesByType("paint")
        .map(({ name, startTime }) => `${name} ${Math.round(startTime)} ms`),
    );
    // From the click on a card to the picture: the request, the sums of the cells, and the drawing.
    await page.getByRole("button", { name: /^raw\/teams/ }).click();
    await page.getByRole("heading", { name: "raw/teams" }).waitFor();
    await page.locator(".level").getByText("1 partition", { exact: true }).waitFor();
    const drawn = await page.evaluate(async () => {
      const began = performance.now();
      document.querySelector<HTMLElement>(".card")?.click();
      while (!document.querySelector(".level")?.textContent?.includes("555 cells"))
        await new Promise(requestAnimationFrame);
      return Math.round(performance.now() - began);
    });
    console.log(
      `26,640 partitions: ${paints.join(", ")} after the page was asked for; drawn ${drawn} ms after a click`,
    );
    expect(paints).not.toEqual([]);
    await page
      .locator("canvas")
      .first()
      .click({ position: { x: 60, y: 30 } });
    await page.getByText("48 partitions", { exact: true }).waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it("says what a table is where there is none", async () => {
    await using world = await serve((storage) => putNames(storage, ["games.csv"]));
    const { page } = await browse(world.ui.url);
    await page.getByRole("heading", { level: 1, name: "No tables" }).waitFor();
    await page.getByText("1 object", { exact: true }).waitFor();
    await page.getByText("raw/games/year=2024/data.parquet").waitFor();
    expect(await faults(page)).toEqual([]);
    await page.context().close();
  });

  it("breaks long names of tables, keys and columns, on a phone too", async () => {
    const long = "a_name_that_only_a_program_writes_".repeat(4);
    await using world = await serve(async (storage) => {
      await storage.write(
        `raw/${long}`,
        [{ [`column_${long}`]: 1 }],
        partition({ [`key_${long}`]: 1, w: 1 }),
      );
    });
    const { page } = await browse(world.ui.url, { viewport: { width: 380, height: 900 } });
    await page.getByRole("heading", { level: 2, name: "× w" }).waitFor();
    for (const name of ["Partitions", "Files and schema", "SQL"]) {
      await page.getByRole("tab", { name }).click();
      if (name === "Files and schema") await page.getByText("Every column has the same type").waitFor();
      if (name === "SQL") await page.getByText("Reads raw/").waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
    }
    await page.context().close();
  });

  it("draws the whole label of the last column of the map", async () => {
    await using world = await serve(async (storage) => {
      for (const week of [1, null])
        await storage.write("raw/plays", [{ a: 1 }], partition({ year: 2024, week }));
    });
    const { page } = await browse(world.ui.url);
    await page.locator("canvas").waitFor();
    await page.evaluate(() => {
      const { fillText } = CanvasRenderingContext2D.prototype;
      const drawn: [string, number][] = [];
      Reflect.set(globalThis, "drawn", drawn);
      CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
        if (this.textAlign === "left")
          drawn.push([text, this.canvas.clientWidth - x - this.measureText(text).width]);
        fillText.call(this, text, x, y);
      };
    });
    await page.emulateMedia({ colorScheme: "dark" });
    const drawn = () =>
      page.evaluate((): [string, number][] => [...Reflect.get(globalThis, "drawn")].slice(-2));
    await expect.poll(async () => (await drawn()).map(([text]) => text)).toEqual(["1", "NULL"]);
    for (const [, left] of await drawn()) expect(left).toBeGreaterThanOrEqual(0);
    await page.context().close();
  });

  it("shows names, values, errors and cells with markup as text", async () => {
    await using world = await serve(async (storage) => {
      await storage.write(
        `raw/${NASTY.replaceAll("=", "")}`,
        [{ [NASTY]: NASTY }],
        partition({ k: NASTY, w: 1 }),
      );
    });
    const { page, complaints } = await browse(world.ui.url);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.locator("canvas").focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: /^k=<img/ }).waitFor();
    await page.getByRole("tab", { name: "Files and schema" }).click();
    await page.getByRole("cell", { name: NASTY, exact: true }).waitFor();
    await page.getByRole("tab", { name: "SQL" }).click();
    await type(page, `SELECT '${NASTY.replaceAll("'", "''")}' AS "${NASTY.replaceAll('"', '""')}"`);
    await page.getByRole("button", { name: "Run" }).click();
    await page.getByText("1 row in").waitFor();
    await type(page, `SELECT "${NASTY.replaceAll('"', "")}" FROM nothing`);
    await page.getByRole("button", { name: "Run" }).click();
    await page.locator(".result .problem").waitFor();
    expect(await page.locator("img").count()).toBe(0);
    // An unknown table is a 400, and Chromium's own editing sets a style that the policy refuses.
    const expected = /status of 4|Applying inline style/;
    expect(complaints.filter((text) => !expected.test(text))).toEqual([]);
    await page.context().close();
  });
});

/** Presses Tab until an element that matches has the focus. Escape first leaves an editor, which takes Tab itself. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let i = 0; i < 60; i++) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab never reaches ${selector}`);
}
