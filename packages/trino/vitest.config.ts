import { defineConfig, type ViteUserConfig } from "vitest/config";
import shared from "../../vitest.shared.ts";

/** Without the tests that `vitest.engines.config.ts` runs. */
const own: ViteUserConfig = defineConfig({
  test: { ...shared.test, exclude: ["test/engines/**"] },
});

export default own;
