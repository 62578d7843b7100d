import { compareKeys } from "@parquetry/core/backend";
import { formatBytes, formatCount } from "../terminal/format-amount.ts";
import type { FolderParity } from "../verify/folder-parity.ts";
import type { ReportCost, ReportModel } from "./report-model.ts";

/** How many names of each list the page shows. The text files hold them all. */
export const NAMES_SHOWN = 100;

/** A list as the page shows it: its first names. */
export interface ShownList {
  /** The file with all of them. */
  readonly file: string;
  /** The title of the list. */
  readonly title: string;
  /** The number of names. */
  readonly count: number;
  /** The first {@link NAMES_SHOWN}. */
  readonly names: readonly string[];
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2733; --soft: #5b6b7b; --line: #dde4ea; --page: #f6f8fa; --card: #fff; --ok: #14804a; --bad: #c2362b; --bar: #2f6fdb; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3eaf1; --soft: #93a4b5; --line: #2b3744; --page: #10161d; --card: #18212b; --ok: #4cc38a; --bad: #ff8178; --bar: #6aa1ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { margin: 0; font-size: 1.7rem; line-height: 1.25; } h1.ok { color: var(--ok); } h1.bad { color: var(--bad); }
h2 { margin: 2.25rem 0 .75rem; font-size: 1.1rem; }
.way { margin: .5rem 0 0; color: var(--soft); overflow-wrap: anywhere; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .75rem; margin: 1.75rem 0 0; padding: 0; }
.figures div, .card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
.figures div { padding: .8rem 1rem; } dt { color: var(--soft); font-size: .85rem; } dd { margin: 0; font-size: 1.15rem; font-weight: 600; overflow-wrap: anywhere; }
.card { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; } th, td { padding: .55rem .9rem; text-align: right; border-top: 1px solid var(--line); white-space: nowrap; font-variant-numeric: tabular-nums; }
thead th { border-top: 0; color: var(--soft); font-weight: 500; font-size: .85rem; } th:first-child, td:first-child { text-align: left; }
td.name { white-space: normal; min-width: 7rem; overflow-wrap: anywhere; } td.bad { color: var(--bad); font-weight: 600; }
meter { width: 7rem; } td.share { width: 1%; }
details { margin: .6rem 0; } summary { padding: .7rem 1rem; cursor: pointer; } summary b { color: var(--bad); }
ul { margin: 0; padding: 0 1rem 1rem 2.2rem; } li, code { font: .85rem/1.6 ui-monospace, monospace; overflow-wrap: anywhere; }
footer { margin-top: 3rem; color: var(--soft); font-size: .85rem; }
`;

/**
 * Renders a report as one page that needs nothing else: no script, no font, no image, light and dark. Every text in it is
 * escaped, since file names may hold anything.
 */
export function htmlReport(model: ReportModel, lists: readonly ShownList[]): string {
  const { command, headline, ok, from, to, finishedAt, folders, figures, cost, slowest } = model;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>parquetry ${escapeHtml(command)}: ${escapeHtml(headline)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1 class="${ok ? "ok" : "bad"}">${ok ? "✓" : "✗"} ${escapeHtml(headline)}</h1>
<p class="way">${escapeHtml(from)} → ${escapeHtml(to)}</p>
<dl class="figures">
${figures.map(({ label, value }) => `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}</dd></div>`).join("\n")}
</dl>
<h2>Parity by folder</h2>
${parityTable(folders, model.lost)}
<h2>Files to look at</h2>
${lists.some(({ count }) => count > 0) ? lists.map(fileList).join("\n") : "<p>None.</p>"}
${slowest.length === 0 ? "" : `<h2>What took longest</h2>\n${slowestTable(slowest)}`}
${cost === undefined ? "" : `<h2>Cost</h2>\n${costTable(cost)}`}
<footer>Written by parquetry ${escapeHtml(command)} on ${escapeHtml(finishedAt.toUTCString())}. The complete lists and summary.json are in the same folder.</footer>
</main>
</body>
</html>
`;
}

/** Escapes a text for HTML content and quoted attributes. */
export function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  // Control characters are shown as replacement characters.
  return text.replace(/[&<>"']/g, (char) => entities[char] ?? char).replace(/\p{Cc}/gu, "\uFFFD");
}

/**
 * The share of a folder's files that is proven equal. An unreadable folder counts as one file, and so does a file without a usable
 * name: neither is in the number of files at the source, so that a folder with nothing else has no proven file.
 */
function provenShare(
  { source, missing, extra, differing, unverifiable }: FolderParity,
  lost: number,
): number {
  const open = missing + differing + unverifiable + lost;
  if (open === 0) return source === 0 && extra > 0 ? 0 : 1;
  return Math.max(0, source - missing - differing - unverifiable) / Math.max(1, source + lost);
}

function parityTable(folders: readonly FolderParity[], lost: ReadonlyMap<string, number>): string {
  const rows = [...folders, ...onlyLost(folders, lost)].sort((a, b) => compareKeys(a.folder, b.folder));
  if (rows.length === 0) return "<p>No files on either side.</p>";
  const columns = ["source", "target", "missing", "extra", "differing", "unverifiable"] as const;
  // As the parity lines of the terminal call the two sides.
  const headings: Readonly<Record<string, string>> = { source: "local", target: "cloud" };
  const cell = (folder: FolderParity, column: (typeof columns)[number]): string => {
    const isBad = !(column in headings) && folder[column] > 0;
    return `<td${isBad ? ' class="bad"' : ""}>${formatCount(folder[column])}</td>`;
  };
  const lostCell = ({ folder }: FolderParity): string => {
    const count = lost.get(folder) ?? 0;
    return lost.size === 0 ? "" : `<td${count > 0 ? ' class="bad"' : ""}>${formatCount(count)}</td>`;
  };
  const row = (folder: FolderParity): string => {
    const share = provenShare(folder, lost.get(folder.folder) ?? 0);
    const percent = share === 1 ? "100%" : `${Math.min(99.9, share * 100).toFixed(1)}%`;
    return `<tr><td class="name">${escapeHtml(folder.folder) || "(empty name)"}</td><td>${formatBytes(folder.bytes)}</td>${columns.map((column) => cell(folder, column)).join("")}${lostCell(folder)}<td class="share"><meter value="${share === 1 ? "1" : Math.min(0.998, share).toFixed(4)}" low="0.999" optimum="1" aria-label="proven equal">${percent}</meter> ${percent}</td></tr>`;
  };
  return `<div class="card"><table>
<thead><tr><th scope="col">folder</th><th scope="col">size</th>${columns.map((column) => `<th scope="col">${headings[column] ?? column}</th>`).join("")}${lost.size === 0 ? "" : '<th scope="col">unusable name</th>'}<th scope="col">proven equal</th></tr></thead>
<tbody>
${rows.map(row).join("\n")}
</tbody></table></div>`;
}

/** The folders that hold no file with a usable name. */
function onlyLost(
  folders: readonly FolderParity[],
  lost: ReadonlyMap<string, number>,
): readonly FolderParity[] {
  const known = new Set(folders.map(({ folder }) => folder));
  const none = { source: 0, bytes: 0, target: 0, missing: 0, extra: 0, differing: 0, unverifiable: 0 };
  return [...lost.keys()].filter((folder) => !known.has(folder)).map((folder) => ({ folder, ...none }));
}

function fileList({ file, title, count, names }: ShownList): string {
  if (count === 0) return "";
  const more = count - names.length;
  return `<details class="card"${count <= 10 ? " open" : ""}><summary><b>${formatCount(count)}</b> ${escapeHtml(title)} <code>${escapeHtml(file)}</code></summary>
<ul>
${names.map((name) => `<li>${escapeHtml(name.replaceAll("\t", " — "))}</li>`).join("\n")}
${more > 0 ? `<li>… and ${formatCount(more)} more</li>` : ""}
</ul></details>`;
}

function costTable({ pricesOf, providers, rows }: ReportCost): string {
  const line = ([what, ...prices]: ReportCost["rows"][number]): string =>
    `<tr><td class="name">${escapeHtml(what)}</td>${prices.map((price) => `<td>${escapeHtml(price)}</td>`).join("")}</tr>`;
  return `<div class="card"><table><thead><tr><th scope="col">prices of ${escapeHtml(pricesOf)}</th>${providers.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join("")}</tr></thead><tbody>
${rows.map(line).join("\n")}
</tbody></table></div>`;
}

function slowestTable(slowest: ReportModel["slowest"]): string {
  const rows = slowest.map(
    ([key, size, time]) =>
      `<tr><td class="name">${escapeHtml(key)}</td><td>${escapeHtml(size)}</td><td>${escapeHtml(time)}</td></tr>`,
  );
  return `<div class="card"><table><thead><tr><th scope="col">file</th><th scope="col">size</th><th scope="col">time</th></tr></thead><tbody>
${rows.join("\n")}
</tbody></table></div>`;
}
