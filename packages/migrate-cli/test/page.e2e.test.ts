import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { RunStatus } from "@parquetry/ui";
import { afterAll, describe, expect, it } from "vitest";
import { browse, closeBrowser, lacksBrowser } from "../../ui/test/browser.ts";
import { createWorld, until, type World } from "./support/command.ts";
import { startPage } from "./support/start-page.ts";

afterAll(closeBrowser);

const FILES = 60;

function writeFiles(world: World): void {
  for (let i = 0; i < FILES; i++)
    world.write({ [`${i % 3 === 0 ? "models" : "raw"}/t/k=${i}/data.csv`]: `a\n${"1".repeat(1000)}\n` });
}

const runsFolder = (world: World): string => join(world.folder, "cache", "parquetry", "runs");

function statuses(world: World): readonly RunStatus[] {
  return readdirSync(runsFolder(world)).map((name) =>
    JSON.parse(readFileSync(join(runsFolder(world), name), "utf8")),
  );
}

describe("the status of a run", () => {
  it("has the totals, the folders, the parity and the exit code at the end, is readable by its owner only, and has no secret", async () => {
    await using world = await createWorld();
    writeFiles(world);
    expect((await world.call(["migrate"])).exitCode).toBe(0);
    const [status] = statuses(world);
    expect(status).toMatchObject({
      version: 1,
      command: "migrate",
      to: "r2://football",
      state: "done",
      phase: "copying",
      files: FILES,
      filesTotal: FILES,
      failed: 0,
      folders: [
        { folder: "models", files: 20, filesTotal: 20, failed: 0 },
        { folder: "raw", files: 40, filesTotal: 40, failed: 0 },
      ],
      outcome: {
        exitCode: 0,
        parity: [
          { folder: "models", missing: 0 },
          { folder: "raw", missing: 0 },
        ],
      },
    });
    for (const name of readdirSync(runsFolder(world))) {
      const path = join(runsFolder(world), name);
      if (process.platform !== "win32") expect(statSync(path).mode & 0o077).toBe(0);
      expect(readFileSync(path, "utf8")).not.toContain(world.server.credentials.secretAccessKey);
    }
    world.write({ "raw/t/k=1/data.csv": "changed" });
    expect((await world.call(["verify"])).exitCode).toBe(1);
    expect(statuses(world).find(({ command }) => command === "verify")).toMatchObject({
      state: "done",
      folders: [
        { folder: "models", files: 20 },
        { folder: "raw", files: 40 },
      ],
      outcome: { exitCode: 1, headline: expect.stringContaining("1 differing") },
    });
  });

  it("is failed with the reason where a store cannot be listed, and is not written by a plan", async () => {
    await using world = await createWorld();
    writeFiles(world);
    await world.call(["plan"]);
    expect(() => statuses(world)).toThrow(/ENOENT/);
    const { exitCode } = await world.call(["migrate", "--to", "r2://nobody"]);
    expect(exitCode).not.toBe(0);
    expect(statuses(world)).toMatchObject([{ state: "failed", problem: expect.stringContaining("nobody") }]);
  });

  it("keeps the files of the last twenty runs", async () => {
    await using world = await createWorld();
    world.write({ "raw/a.csv": "a" });
    for (let i = 0; i < 23; i++) await world.call(["migrate"]);
    expect(statuses(world)).toHaveLength(20);
  });

  it("is a warning where the folder cannot be written, and the run goes on", async () => {
    await using world = await createWorld();
    world.write({ "raw/a.csv": "a", "../cache/parquetry/runs": "in the way" });
    const { exitCode, stderr } = await world.call(["migrate"]);
    expect(exitCode).toBe(0);
    expect(stderr.match(/the status of this run cannot be written/g)).toHaveLength(1);
  });
});

describe.skipIf(lacksBrowser())("parquetry ui next to a migration", () => {
  it("shows its folders grow, a failure by name, and the parity at the end", async () => {
    await using world = await createWorld();
    writeFiles(world);
    const ui = await startPage(world, world.data);
    const { page } = await browse(ui.url);
    world.server.setFaults([
      { operation: "PutObject", key: /k=10\//, fault: { kind: "status", status: 403 } },
      { operation: "PutObject", fault: { kind: "latency", ms: 400 } },
      // The last files wait for a page that is slow.
      { operation: "PutObject", key: /raw\/t\/k=[45]\d\//, fault: { kind: "latency", ms: 5000 } },
    ]);
    const run = world.start(["migrate", "--concurrency", "4"]);
    await page.getByRole("button", { name: /Migrations 1 running/ }).click();
    const bar = page.getByRole("progressbar", { name: "raw: files" });
    await bar.waitFor();
    const grows = async (): Promise<number> => Number(await bar.getAttribute("value"));
    await expect.poll(grows).toBeGreaterThan(0);
    const before = await grows();
    expect(before).toBeLessThan(40);
    await page.getByText("raw/t/k=10/data.csv").first().waitFor();
    await page.getByText(/MB\/s|kB\/s|[\d.]+ B\/s/).waitFor();
    world.server.setFaults([
      { operation: "PutObject", key: /k=10\//, fault: { kind: "status", status: 403 } },
    ]);
    expect((await run.outcome).exitCode).toBe(1);
    await page.getByText("finished", { exact: true }).waitFor();
    expect(await grows()).toBeGreaterThan(before);
    await page.getByRole("columnheader", { name: "differing" }).waitFor();
    await page.locator(".run .problem", { hasText: "1 failed" }).waitFor();
    const row = page.getByRole("table").last().getByRole("row", { name: /^raw/ });
    expect(await row.getByRole("cell").allTextContents()).toEqual(["40", "39", "1", "0", "0", "0"]);
    ui.page.child.kill("SIGINT");
    await ui.page.outcome;
    await page.context().close();
  });

  it("shows that it was killed, and the command that continues it", async () => {
    await using world = await createWorld();
    writeFiles(world);
    const ui = await startPage(world, world.data);
    const { page } = await browse(`${ui.url}#view=runs`);
    world.server.setFaults([
      { operation: "PutObject", fault: { kind: "latency", ms: 300 } },
      { operation: "PutObject", key: /raw\/t\/k=[45]\d\//, fault: { kind: "latency", ms: 5000 } },
    ]);
    const run = world.start(["migrate", "--concurrency", "4"]);
    await page.getByText("running", { exact: true }).waitFor();
    await until(() => world.server.requests.count("PutObject") > 8);
    run.child.kill("SIGKILL");
    await run.outcome;
    await page.getByText("killed", { exact: true }).waitFor();
    const command = await page.locator(".run .command code").textContent();
    expect(command).toMatch(/^parquetry migrate --from \S+ --to r2:\/\/football$/);
    world.server.setFaults([]);
    // A person copies it.
    const again = await world.run((command ?? "").split(" ").slice(1));
    expect(again.exitCode).toBe(0);
    await page.getByText("finished", { exact: true }).waitFor();
    ui.page.child.kill("SIGINT");
    await ui.page.outcome;
    await page.context().close();
  });
});

describe.skipIf(lacksBrowser())("parquetry ui with two places", () => {
  it("shows what verify finds by partition, and its command settles it", async () => {
    await using world = await createWorld();
    const files = [1, 2, 3, 4].map((week) => `raw/plays/year=2024/week=${week}/data.csv`);
    for (const file of files) world.write({ [file]: "a\n1\n" });
    expect((await world.call(["migrate"])).exitCode).toBe(0);
    world.write({ [files[1] ?? ""]: "a\n2\n", "raw/plays/year=2024/week=5/data.csv": "a\n3\n" });
    rmSync(join(world.data, files[3] ?? ""));
    const ui = await startPage(world, world.data, "--to", "r2://football");
    const { page, complaints } = await browse(ui.url);
    await page.getByText("5 files compared").waitFor();
    await page.getByText("As a table").click();
    const found = async (): Promise<(string | null)[]> =>
      (await page.getByRole("table").last().getByRole("row").allTextContents()).slice(1);
    // The columns: year, week, differing, missing, unverifiable, extra, equal.
    await expect.poll(found).toEqual(["2024100001", "2024210000", "2024300001", "2024400010", "2024501000"]);
    const [copy = "", overwrite = ""] = await page.locator(".command code").allTextContents();
    for (const command of [overwrite, copy]) {
      const { exitCode, stderr } = await world.run(command.split(" ").slice(1));
      expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
    }
    // The page compares again when it sees a run of these two places end.
    await expect.poll(found).toEqual(["2024100001", "2024200001", "2024300001", "2024400010", "2024500001"]);
    await page.getByRole("button", { name: /^Migrations/ }).click();
    await page.getByRole("button", { name: "Show the map" }).first().click();
    await page.getByRole("tab", { name: "Two places", selected: true }).waitFor();
    expect(complaints).toEqual([]);
    ui.page.child.kill("SIGINT");
    expect((await ui.page.outcome).exitCode).toBe(0);
    await page.context().close();
  });

  it("refuses the same place twice, and a first place that is given twice", async () => {
    await using world = await createWorld();
    world.write({ "raw/a.csv": "a" });
    const same = await world.call(["ui", world.data, "--to", world.data, "--no-open"]);
    expect([same.exitCode, same.stderr]).toEqual([2, expect.stringContaining("are the same place")]);
    const twice = await world.call(["ui", world.data, "--from", "r2://football", "--no-open"]);
    expect([twice.exitCode, twice.stderr]).toEqual([2, expect.stringContaining("given twice")]);
  });
});

describe.skipIf(lacksBrowser())("parquetry ui over CSV files", () => {
  it("reads them as the --csv flags describe them", async () => {
    await using world = await createWorld();
    world.write({ "raw/games/k=1/data.csv": "team;score\nRice;7\nNA;3\n" });
    const ui = await startPage(world, world.data, "--csv-delimiter", ";", "--csv-null", "NA");
    const sql = "SELECT score FROM games WHERE team IS NULL";
    const { page } = await browse(`${ui.url}#view=sql&sql=${encodeURIComponent(sql)}`);
    await page.getByRole("button", { name: "Run" }).click();
    await page.getByText("1 row in").waitFor();
    await page.locator("regular-table tbody").getByText("3", { exact: true }).waitFor();
    ui.page.child.kill("SIGINT");
    await ui.page.outcome;
    await page.context().close();
  });
});
