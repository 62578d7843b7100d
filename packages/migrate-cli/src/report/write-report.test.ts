import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { escapeHtml, NAMES_SHOWN } from "./html-report.ts";
import type { ReportModel } from "./report-model.ts";
import { writeReport } from "./write-report.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parquetry-test-report-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function* each(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

const EVIL = `<script>alert("1")</script>&'\n`;
const model = (missing: readonly string[]): ReportModel => ({
  command: "verify",
  headline: `Not equal: ${EVIL}`,
  ok: false,
  from: `/data/${EVIL}`,
  to: "r2://bucket",
  finishedAt: new Date("2026-11-21T00:00:00Z"),
  folders: [
    {
      folder: EVIL,
      source: 3,
      bytes: 12_345,
      target: 2,
      missing: 1,
      extra: 0,
      differing: 0,
      unverifiable: 0,
    },
  ],
  lost: new Map(),
  figures: [{ label: EVIL, value: EVIL }],
  lists: [
    { file: "missing.txt", title: "missing", count: missing.length, lines: each(missing) },
    { file: "extra.txt", title: "extra", count: 0, lines: each([]) },
  ],
  slowest: [[EVIL, "1 B", "1 s"]],
  summary: { exitCode: 1 },
});

const read = (name: string): string => readFileSync(join(folder, "deep", name), "utf8");

describe("writeReport", () => {
  it("writes every list whole, one name a line, and the page with the first names", async () => {
    const missing = Array.from({ length: 250 }, (_, i) => `raw/${i}`);
    await writeReport(join(folder, "deep"), model([...missing, "two\nlines"]));
    expect(read("missing.txt").trimEnd().split("\n")).toEqual([...missing, "two\\nlines"]);
    expect(read("extra.txt")).toBe("");
    expect(JSON.parse(read("summary.json"))).toEqual({ exitCode: 1 });
    const page = read("report.html");
    expect(page.match(/<li>raw\//g)).toHaveLength(NAMES_SHOWN);
    expect(page).toContain("and 151 more");
    expect(page).toContain("66.7%");
  });

  it("escapes every text and loads nothing from outside", async () => {
    await writeReport(join(folder, "deep"), model([EVIL]));
    const page = read("report.html");
    expect(page).not.toContain("<script");
    expect(page).not.toMatch(/(?:src|href)=|@import|url\(/);
    expect(page).toContain("prefers-color-scheme: dark");
  });

  it("says why it cannot be written", async () => {
    writeFileSync(join(folder, "file"), "");
    await expect(writeReport(join(folder, "file"), model([]))).rejects.toMatchObject({
      code: "invalid_argument",
    });
  });
});

describe("escapeHtml", () => {
  it("escapes for content and attributes, and shows control characters as what they are not", () => {
    expect(escapeHtml(`<a href="x" title='y'>&\u0000\u001b[31m`)).toBe(
      "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;\uFFFD\uFFFD[31m",
    );
  });

  const NONE = { source: 0, target: 0, missing: 0, extra: 0, differing: 0, unverifiable: 0 };
  it.each([
    ["equal", { source: 4, target: 4 }, 0, "100%"],
    ["nothing on either side", {}, 0, "100%"],
    ["only an unreadable folder", { unverifiable: 1 }, 0, "0.0%"],
    ["an unreadable folder, whose files are at the target", { target: 3, unverifiable: 4 }, 0, "0.0%"],
    ["a readable file and an unreadable folder", { source: 1, target: 1, unverifiable: 1 }, 0, "0.0%"],
    ["more unreadable folders than files", { source: 1, target: 1, unverifiable: 5 }, 0, "0.0%"],
    ["one file of 100,000 missing", { source: 100_000, target: 99_999, missing: 1 }, 0, "99.9%"],
    ["only files of the target", { target: 2, extra: 2 }, 0, "0.0%"],
    ["a file without a usable name", { source: 3, target: 3 }, 1, "75.0%"],
    ["only a file without a usable name", undefined, 1, "0.0%"],
  ])("shows how much is proven of a folder with %s", async (_, counts, lost, percent) => {
    const row = counts === undefined ? [] : [{ folder: "raw", bytes: 1, ...NONE, ...counts }];
    const told = { ...model([]), folders: row, lost: new Map(lost === 0 ? [] : [["raw", lost]]) };
    await writeReport(join(folder, "deep"), told);
    const [, share, shown] = /<meter value="([^"]*)"[^>]*>([^<]*)<\/meter>/.exec(read("report.html")) ?? [];
    expect(shown).toBe(percent);
    expect(Number(share) === 1).toBe(percent === "100%");
  });
});
