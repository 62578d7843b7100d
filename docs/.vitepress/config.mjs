import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";

const DOCS = fileURLToPath(new URL("..", import.meta.url));
const TITLE = "Parquetry";

/** The first heading of a page. */
const titleOf = (path) => /^# (.+)$/m.exec(readFileSync(join(DOCS, path), "utf8"))?.[1] ?? path;

/** The pages that exist, for the sidebar. */
const pages = (...paths) =>
  paths
    .filter((path) => existsSync(join(DOCS, path)))
    .map((path) => ({ text: titleOf(path), link: `/${path.replace(/\.md$/, "")}` }));

const pagesIn = (folder) =>
  pages(
    ...readdirSync(join(DOCS, folder))
      .filter((name) => name.endsWith(".md"))
      .sort()
      .map((name) => `${folder}/${name}`),
  );

const sidebar = [
  { text: "Guides", items: pagesIn("guides") },
  {
    text: "Reference",
    items: [...pages("reference/command.md", "errors.md"), ...pagesIn("reference").slice(1)],
  },
  {
    text: "Concepts",
    items: pages("guarantees.md", "architecture.md", "scale.md", "performance.md", "decisions/README.md"),
  },
];

/** Fails on a link to an anchor that its page lacks. VitePress itself fails on a link to a missing page. */
function checkAnchors(outDir, names) {
  const html = new Map(
    names.map((name) => [
      `/${name.replace(/\.md$/, ".html")}`,
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

export default defineConfig({
  title: TITLE,
  description: "Hive-partitioned Parquet and CSV tables on local disk, AWS S3 and Cloudflare R2",
  themeConfig: { sidebar, outline: [2, 3], search: { provider: "local" } },
  buildEnd({ outDir, pages: names }) {
    checkAnchors(outDir, names);
    const list = names.map((name) => `- [${titleOf(name)}](/${name.replace(/\.md$/, ".html")})`);
    writeFileSync(join(outDir, "llms.txt"), `# ${TITLE}\n\n${list.join("\n")}\n`);
    const full = names.map((name) => readFileSync(join(DOCS, name), "utf8"));
    writeFileSync(join(outDir, "llms-full.txt"), full.join("\n\n"));
  },
});
