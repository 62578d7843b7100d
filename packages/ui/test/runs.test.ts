import { afterAll, describe, expect, it } from "vitest";
import type { RunStatus } from "../src/index.ts";
import { browse, closeBrowser, faults, lacksBrowser, shifts } from "./browser.ts";
import { serve, until } from "./support.ts";

afterAll(closeBrowser);

const NASTY = "<img src=x onerror=alert(1)>";
const HALF: RunStatus = {
  version: 1,
  id: "migrate-1.json",
  command: "migrate",
  from: "/data",
  to: "r2://bucket",
  state: "running",
  startedAt: 1_780_000_000_000,
  updatedAt: 1_780_000_061_000,
  phase: "copying",
  files: 50,
  bytes: 5e9,
  filesTotal: 100,
  bytesTotal: 1e10,
  filesPerSecond: 12.4,
  bytesPerSecond: 1e7,
  etaMs: 500_000,
  retries: 1,
  failed: 1,
  failures: [{ key: `raw/${NASTY}`, code: "unavailable", message: `${NASTY} cannot be read` }],
  folders: [
    { folder: "models", files: 10, bytes: 1e9, filesTotal: 10, bytesTotal: 1e9, failed: 0 },
    { folder: NASTY, files: 40, bytes: 4e9, filesTotal: 90, bytesTotal: 9e9, failed: 1 },
  ],
};
const parity = [
  { folder: "raw", source: 100, target: 99, missing: 1, extra: 0, differing: 0, unverifiable: 0 },
];
const RUNS: readonly RunStatus[] = [
  HALF,
  { ...HALF, id: "migrate-2.json", state: "killed" },
  { ...HALF, id: "migrate-3.json", state: "failed", problem: "The bucket is gone." },
  {
    ...HALF,
    id: "verify-4.json",
    command: "verify",
    state: "done",
    filesTotal: undefined,
    folders: [{ folder: "raw", files: 100, bytes: 1e10, failed: 0 }],
    outcome: { exitCode: 1, headline: "Not equal: 1 missing.", parity },
  },
];

describe("migrations", () => {
  it("are none without the option, and what it returns with it", async () => {
    await using none = await serve();
    expect(await until(none, "/api/runs", () => true)).toEqual([]);
    await using world = await serve(undefined, { runs: async () => RUNS });
    expect(await until(world, "/api/runs", () => true)).toEqual(JSON.parse(JSON.stringify(RUNS)));
  });

  it("with an error of the reader are a 500, and the server stays", async () => {
    await using world = await serve(undefined, { runs: () => Promise.reject(new Error("/home/secret")) });
    const answer = await fetch(`${world.origin}/api/runs`, { headers: { cookie: world.cookie } });
    expect([answer.status, await answer.text()]).toEqual([500, expect.not.stringContaining("secret")]);
    expect(await until<{ root: string }>(world, "/api/tables", () => true)).toHaveProperty("root");
  });
});

describe.skipIf(lacksBrowser())("migrations in a browser", () => {
  for (const colorScheme of ["light", "dark"] as const)
    for (const width of [420, 1280])
      it(`are shown in every state, names as text, without a fault that axe finds: ${colorScheme}, ${width} px`, async () => {
        await using world = await serve(undefined, { runs: async () => RUNS });
        const { page, complaints } = await browse(world.ui.url, {
          colorScheme,
          viewport: { width, height: 900 },
        });
        await page.getByRole("button", { name: /Migrations 1 running/ }).click();
        const line =
          "50 of 100 files, 5.0 GB of 10.0 GB, 12 files/s, 10.0 MB/s, about 8:20 left, 1 retry, 1 failed";
        await page.getByText(line).waitFor();
        for (const state of ["running", "killed", "failed", "finished"])
          expect(await page.getByText(state, { exact: true }).count()).toBeGreaterThan(0);
        await page.getByText("The bucket is gone.").waitFor();
        await page.getByText("Not equal: 1 missing.").waitFor();
        expect(await page.locator("img").count()).toBe(0);
        expect(await faults(page)).toEqual([]);
        expect(await shifts(page)).toEqual([]);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(overflow).toBeLessThanOrEqual(0);
        expect(complaints).toEqual([]);
        await page.context().close();
      });
});
