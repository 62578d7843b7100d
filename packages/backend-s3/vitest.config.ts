import { defineConfig, type ViteUserConfig } from "vitest/config";
import shared from "../../vitest.shared.ts";

/** `test/servers.test.ts` needs servers: `pnpm test:servers` runs it. */
const config: ViteUserConfig = defineConfig({
  test: { ...shared.test, exclude: ["test/servers.test.ts"] },
});

export default config;
