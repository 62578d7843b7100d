import { defineConfig, type ViteUserConfig } from "vitest/config";

/** One vitest configuration for every package: tests beside the code and in `test/`, results for CI in `.vitest/`. */
const shared: ViteUserConfig = defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    reporters: ["default", ["json", { outputFile: ".vitest/results.json" }]],
    // There to end what hangs, not to judge what is slow on a busy machine.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    passWithNoTests: false,
    // The SDK's notice about Node 20 would drown the results; the version we depend on supports it.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
  },
});

export default shared;
