import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { createWorld } from "./support/command.ts";

const BROWSER = ["chromium", "chromium-browser", "google-chrome"].find(
  (name) => spawnSync(name, ["--version"]).status === 0,
);

describe("report.html", () => {
  it("opens in a browser: parity, lists, cost, and nothing that runs or is fetched", async ({ skip }) => {
    if (BROWSER === undefined) return skip("needs chromium: apt-get install chromium");
    await using world = await createWorld();
    world.write({ "raw/a&b <i>.csv": "1", "raw/c.csv": "2", "processed/d.csv": "3" });
    await world.call(["migrate", "--include", "raw/c.csv"]);
    world.write({ "raw/c.csv": "4" });
    const run = await world.call(["migrate", "--report", "report"]);
    expect(run.exitCode).toBe(1);
    const page = pathToFileURL(join(world.folder, "report", "report.html")).href;
    const picture = join(world.folder, "report.png");
    const flags = [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--no-first-run",
      `--user-data-dir=${join(world.folder, "browser")}`,
      "--window-size=1000,1600",
    ];
    const browse = (what: string): string =>
      execFileSync(BROWSER, [...flags, what, page], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      });
    const dom = browse("--dump-dom");
    expect(dom).toContain("Not complete: 1 differ");
    expect(dom).toMatch(/<h2>Cost<\/h2>/);
    expect(dom).toContain("Cloudflare R2");
    expect(dom).toContain("storing, per month");
    expect(dom).toContain("<li>raw/c.csv</li>");
    expect(dom).not.toContain("<i>");
    browse(`--screenshot=${picture}`);
    const png = readFileSync(picture);
    // Its size as the file says it: the page was painted.
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1000, 1600]);
    const keep = process.env["PARQUETRY_TEST_SCREENSHOT"];
    if (keep !== undefined) execFileSync("cp", [picture, keep]);
  });
});
