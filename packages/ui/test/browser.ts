import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const BROWSER = ["chromium", "chromium-browser", "google-chrome"]
  .map((name) => spawnSync("which", [name], { encoding: "utf8" }).stdout.trim())
  .find((path) => path !== "");

/** True if there is no browser and CI does not require one. */
export function lacksBrowser(): boolean {
  if (BROWSER === undefined && process.env["PARQUETRY_REQUIRE_ENGINES"] === "1")
    throw new Error("needs chromium: apt-get install chromium");
  return BROWSER === undefined;
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The faults that axe finds, by rule. */
export async function faults(page: Page): Promise<readonly string[]> {
  // Evaluated by the debugger, which the page's policy does not bind.
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { violations } = await (
      globalThis as unknown as {
        axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
      }
    ).axe.run();
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 100)).join(" | ")}`,
    );
  });
}

let browser: Promise<Browser> | undefined;

/** Opens an address in a new profile, and collects what the browser complains about. */
export async function browse(
  url: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[] }> {
  browser ??= chromium.launch({
    executablePath: BROWSER ?? "",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  const context = await (await browser).newContext({ viewport: { width: 1280, height: 900 }, ...options });
  // As in the tests: long enough to end only what hangs.
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  await page.addInitScript(observeShifts);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    const asked = new URL(request.url());
    if (asked.protocol !== "data:" && asked.origin !== new URL(url).origin) complaints.push(`asked ${asked}`);
  });
  await page.goto(url);
  return { page, complaints };
}

/** The layout shifts that no click or key caused: how large each one was, and which elements moved. */
export function shifts(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => Reflect.get(globalThis, "shifts"));
}

/** Runs in the page. The browser leaves out what moves in the half second after a click or a key. */
function observeShifts(): void {
  interface Shift {
    readonly value: number;
    readonly hadRecentInput: boolean;
    readonly sources: readonly { readonly node: { readonly nodeName: string } | null }[];
  }
  const seen: string[] = [];
  Reflect.set(globalThis, "shifts", seen);
  new PerformanceObserver((list) => {
    // Less is a number that becomes wider.
    for (const { value, hadRecentInput, sources } of list.getEntries() as unknown as readonly Shift[])
      if (!hadRecentInput && value >= 0.002)
        seen.push(`${value.toFixed(4)}: ${sources.map(({ node }) => node?.nodeName).join(", ")}`);
    // Node's types, which another package checks this file with, lack what only browsers measure.
  }).observe({ type: "layout-shift" as "mark", buffered: true });
}

/** Ends the browser. */
export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
  browser = undefined;
}
