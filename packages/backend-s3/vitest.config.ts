import { fileURLToPath } from "node:url";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import shared from "../../vitest.shared.ts";

/**
 * `test/servers.test.ts` needs servers: `pnpm test:servers` runs it. Node reads the certificates to trust when a process starts, so the
 * processes of the tests start with them.
 */
const config: ViteUserConfig = defineConfig({
  test: {
    ...shared.test,
    exclude: ["test/servers.test.ts"],
    env: {
      ...shared.test?.env,
      NODE_EXTRA_CA_CERTS: fileURLToPath(new URL("test/tls/trusted.pem", import.meta.url)),
    },
  },
});

export default config;
