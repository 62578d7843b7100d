import { defineConfig, type ViteUserConfig } from "vitest/config";
import shared from "../../vitest.shared.ts";

/** The tests on a real Trino, which `scripts/engines.mjs` starts. */
const engines: ViteUserConfig = defineConfig({
  test: {
    ...shared.test,
    include: ["test/engines/*.test.ts"],
    reporters: ["default", ["json", { outputFile: ".vitest/engines.json" }]],
  },
});

export default engines;
