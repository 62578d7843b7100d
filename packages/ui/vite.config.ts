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

export default defineConfig({
  root: "page",
  plugins: [licences],
  base: "/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../dist/page",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: true,
  },
});
