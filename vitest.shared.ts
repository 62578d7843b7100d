import { defineConfig, type ViteUserConfig } from "vitest/config";

/** The vitest configuration of every package: tests next to the code and in `test/`, results for CI in `.vitest/`. */
const shared: ViteUserConfig = defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    // Type tests. Other files are the business of the `typecheck` task.
    typecheck: {
      enabled: true,
      include: ["{src,test}/**/*.test-d.ts"],
      tsconfig: "./tsconfig.json",
      ignoreSourceErrors: true,
    },
    reporters: ["default", ["json", { outputFile: ".vitest/results.json" }]],
    // Long enough to end only tests that hang, even on a busy machine.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    passWithNoTests: false,
    // Hides the SDK's notice about Node 20, which the version in use still supports.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
  },
});

export default shared;
