import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";
import { DOCS_URL } from "../../packages/core/dist/bytes/docs-url.js";

const DOCS = fileURLToPath(new URL("..", import.meta.url));
const TITLE = "Parquetry";
const DESCRIPTION = "Hive-partitioned Parquet and CSV tables on local disk, AWS S3 and Cloudflare R2";
/** The folder of the pages that TypeDoc writes. */
const API = "reference/api/";
const BASE = new URL(DOCS_URL).pathname;

/** The id of a heading, as GitHub has it, so that links to anchors work in both: `_` stays. */
const slugify = (title) =>
  title
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, "")
    .replaceAll(" ", "-");

/** The address of a page below the base. */
const addressOf = (page) => page.replace(/\.md$/, "").replace(/(?:^|(?<=\/))index$/, "");

/** The first heading of a page. */
const titleOf = (path) => /^# (.+)$/m.exec(readFileSync(join(DOCS, path), "utf8"))?.[1] ?? path;

/** The pages that exist, for the sidebar. */
const pages = (...paths) =>
  paths
    .filter((path) => existsSync(join(DOCS, path)))
    .map((path) => ({ text: titleOf(path), link: `/${addressOf(path)}` }));

const pagesIn = (folder) =>
  pages(
    ...readdirSync(join(DOCS, folder))
      .filter((name) => name.endsWith(".md"))
      .sort()
      .map((name) => `${folder}/${name}`),
  );

/** The guides in the order in which a user needs them. */
const GUIDES = [
  "move-to-r2",
  "move-to-s3",
  "s3-to-r2",
  "pipeline",
  "from-the-python-layout",
  "read-from-python",
  "sql",
  "look-at-the-data",
  "types-and-drift",
  "repair-and-clean-up",
  "trino-athena-spark",
  "outgrow-one-machine",
  "write-a-backend",
];
const unlisted = readdirSync(join(DOCS, "guides")).filter(
  (name) => !GUIDES.includes(name.replace(/\.md$/, "")),
);
if (unlisted.length > 0) throw new Error(`add docs/guides/${unlisted.join(", ")} to the sidebar`);

const sidebar = [
  { text: "Start", items: pages("start/install.md", "start/first-result.md", "start/flights.md") },
  { text: "Guides", items: pages(...GUIDES.map((name) => `guides/${name}.md`)) },
  {
    text: "Reference",
    items: [
      ...pages("reference/command.md", "errors.md"),
      ...pagesIn("reference").slice(1),
      ...pages("reference/api/index.md"),
    ],
  },
  {
    text: "Concepts",
    items: pages(
      "concepts/commits.md",
      "concepts/pruning.md",
      "concepts/proof.md",
      "concepts/plain-hive.md",
      "guarantees.md",
      "architecture.md",
      "scale.md",
      "performance.md",
    ),
  },
  { text: "Project", items: pages("compared.md", "policies.md", "security.md") },
  {
    text: "Decisions",
    collapsed: true,
    items: [...pages("decisions/README.md"), ...pagesIn("decisions").slice(0, -1)],
  },
];

/** Fails on a link to an anchor that its page lacks. VitePress itself fails on a link to a missing page. */
function checkAnchors(outDir, names) {
  const html = new Map(
    names.map((name) => [
      BASE + addressOf(name),
      readFileSync(join(outDir, name.replace(/\.md$/, ".html")), "utf8"),
    ]),
  );
  const dead = [];
  for (const [page, text] of html) {
    for (const [, href] of text.matchAll(/href="([^"]*#[^"]+)"/g)) {
      const { origin, pathname, hash } = new URL(href, `http://site${page}`);
      const target = html.get(pathname);
      if (origin !== "http://site" || hash === "#VPContent") continue;
      if (!target?.includes(`id="${decodeURIComponent(hash.slice(1))}"`)) dead.push(`${page}: ${href}`);
    }
  }
  if (dead.length > 0) throw new Error(`links to missing anchors:\n${dead.join("\n")}`);
}

/** The pages by the groups of the sidebar; the others are "Optional" in the sense of llmstxt.org. */
function llmsIndex(names) {
  const link = (text, path) => `- [${text}](${DOCS_URL}${path})`;
  const shown = new Set(sidebar.flatMap(({ items }) => items.map((item) => item.link)));
  const rest = names.filter((name) => name !== "index.md" && !shown.has(`/${addressOf(name)}`));
  return [
    `# ${TITLE}`,
    `> ${DESCRIPTION}`,
    ...sidebar.map(({ text, items }) =>
      [`## ${text}\n`, ...items.map((item) => link(item.text, item.link.slice(1)))].join("\n"),
    ),
    ["## Optional\n", ...rest.map((name) => link(titleOf(name), addressOf(name)))].join("\n"),
  ].join("\n\n");
}

export default defineConfig({
  title: TITLE,
  description: DESCRIPTION,
  base: BASE,
  cleanUrls: true,
  markdown: { anchor: { slugify } },
  themeConfig: { sidebar, outline: [2, 3], search: { provider: "local" } },
  buildEnd({ outDir, pages: names }) {
    checkAnchors(outDir, names);
    writeFileSync(join(outDir, "llms.txt"), llmsIndex(names));
    const full = names
      .filter((name) => !name.startsWith(API))
      .map((name) => readFileSync(join(DOCS, name), "utf8"));
    writeFileSync(join(outDir, "llms-full.txt"), full.join("\n\n"));
  },
});
