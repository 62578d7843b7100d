import { defineConfig, type Plugin } from "vite";
import { joinLicences, thirdPartyLicences } from "../../scripts/third-party-licences.mjs";

/** Adds the licences of all bundled libraries. */
const licences: Plugin = {
  name: "licences",
  generateBundle(_, bundle) {
    const ids = Object.values(bundle).flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
    const source = joinLicences(thirdPartyLicences(ids));
    this.emitFile({ type: "asset", fileName: "THIRD_PARTY_LICENSES", source });
  },
};

/** Puts the style sheet into the page, so that its first paint waits for one response only. */
const inlineStyle: Plugin = {
  name: "inline-style",
  enforce: "post",
  generateBundle(_, bundle) {
    const page = bundle["index.html"];
    if (page?.type !== "asset") return;
    page.source = String(page.source).replace(
      /<link rel="stylesheet"[^>]*href="\/([^"]+)">/,
      (_link, name) => {
        const sheet = bundle[name];
        if (sheet?.type !== "asset") throw new Error(`the page has no style sheet ${name}`);
        delete bundle[name];
        return `<style nonce="NONCE">${sheet.source}</style>`;
      },
    );
  },
};

export default defineConfig({
  root: "page",
  plugins: [licences, inlineStyle],
  base: "/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../dist/page",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    // One style sheet, which no chunk waits for: it is in the page.
    cssCodeSplit: false,
    reportCompressedSize: true,
  },
});
