import { defineConfig, type ViteUserConfig } from "vitest/config";
import shared from "../../vitest.shared.ts";

/** The suite against servers that others have written, which `scripts/servers.mjs` starts. */
const servers: ViteUserConfig = defineConfig({
  test: {
    ...shared.test,
    include: ["test/servers.test.ts"],
    reporters: ["default", ["json", { outputFile: ".vitest/servers.json" }]],
    testTimeout: 180_000,
  },
});

export default servers;
