import { partition } from "@parquetry/core";
import { openStorage } from "@parquetry/storage";
import { afterAll, describe, expect, it } from "vitest";
import { browse, closeBrowser, faults, lacksBrowser } from "../../ui/test/browser.ts";
import { createWorld, type World } from "./support/command.ts";
import { startPage } from "./support/start-page.ts";

afterAll(closeBrowser);

/** Flights by day, of which two are missing, and games by year, season type and week; both in the bucket. */
async function fill(world: World): Promise<void> {
  await using storage = await openStorage(world.data);
  for (const day of ["2024-02-27", "2024-02-28", "2024-03-01", "2024-03-03"])
    await storage.write(
      "flights",
      Array.from({ length: 50 }, (_, i) => ({ carrier: i % 2 === 0 ? "AA" : "DL", delay: i - 10 })),
      partition({ day }),
    );
  for (const season of ["regular", "postseason"])
    for (const year of [2022, 2024])
      for (const week of season === "regular" ? [1, 2, 4] : [1])
        await storage.write(
          "raw/games",
          [{ home: "Rice", away: "Army", points: week }],
          partition({ season, year, week }),
        );
  const { exitCode } = await world.call(["migrate"]);
  if (exitCode !== 0) throw new Error("the trees were not copied");
}

describe.skipIf(lacksBrowser())("parquetry ui over S3", () => {
  it.each(["s3", "r2"] as const)(
    "shows every view of a bucket, and what a query costs there: %s",
    async (profile) => {
      await using world = await createWorld(profile);
      await fill(world);
      const ui = await startPage(world, `${profile}://football`);
      const { page, complaints } = await browse(ui.url);
      await page.getByRole("button", { name: /^flights 4 partitions, 4 files/ }).click();
      await page.locator(".level").getByText("2 gaps").waitFor();
      await page.locator("canvas").focus();
      for (const key of ["ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight"])
        await page.keyboard.press(key);
      await page.getByText("day=2024-03-01: 1 file").waitFor();
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: /^Row groups of part-/ }).click();
      await page.getByText("50 rows in 1 row group").waitFor();
      await page.getByRole("tab", { name: "Files and schema" }).click();
      await page.getByRole("cell", { name: "carrier" }).waitFor();
      await page.getByText("Every column has the same type in all 4 partitions.").waitFor();
      await page.getByRole("tab", { name: "SQL" }).click();
      await page.locator(".cm-content").click();
      await page.keyboard.press("Control+A");
      await page.keyboard.insertText(
        "SELECT carrier, sum(delay) AS delay FROM flights WHERE day >= '2024-03-01' GROUP BY carrier ORDER BY 1",
      );
      await page.getByText("Reads flights: 2 partitions, 2 files").waitFor();
      const provider = profile === "s3" ? "AWS S3" : "Cloudflare R2";
      await page
        .getByText(new RegExp(`and \\d GET requests?, up to .* downloaded: \\$0\\.0000\\d+ at ${provider}`))
        .waitFor();
      await page.getByRole("button", { name: /^Run Ctrl/ }).click();
      await page.getByText("2 rows in").waitFor();
      expect(world.server.requests.count("PutObject")).toBe(24);
      await page.getByRole("button", { name: /^raw\/games/ }).click();
      await page.getByRole("tab", { name: "Partitions" }).click();
      await page.getByText(/missing values of season are not shown/).waitFor();
      expect(await faults(page)).toEqual([]);
      // Chromium's own editing sets a style that the policy refuses.
      expect(complaints.filter((text) => !text.includes("Applying inline style"))).toEqual([]);
      ui.page.child.kill("SIGINT");
      await ui.page.outcome;
      await page.context().close();
    },
  );
});
