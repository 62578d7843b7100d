import { defineConfig, type ViteUserConfig } from "vitest/config";
import shared from "../../vitest.shared.ts";

/** Queries over servers that others have written, which `scripts/servers.mjs` starts. */
const servers: ViteUserConfig = defineConfig({
  test: {
    ...shared.test,
    include: ["test/forty-queries.test.ts", "test/pruning-fuzz.test.ts"],
    reporters: ["default", ["json", { outputFile: ".vitest/servers.json" }]],
    testTimeout: 600_000,
  },
});

export default servers;
