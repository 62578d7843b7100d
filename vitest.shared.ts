import { statSync } from "node:fs";
import { devNull, tmpdir } from "node:os";
import { dirname } from "node:path";
import { defineConfig, type ViteUserConfig } from "vitest/config";

/** Another TMPDIR for root if only root may use its own: some tests become an ordinary user, to whom file modes apply. */
function openTmpdir(): Record<string, string> {
  if (process.getuid?.() !== 0) return {};
  const [write, enter] = [0o002, 0o001];
  let isOpen = (statSync(tmpdir()).mode & write) !== 0;
  for (let folder = tmpdir(); folder !== dirname(folder); folder = dirname(folder))
    isOpen &&= (statSync(folder).mode & enter) !== 0;
  return isOpen ? {} : { TMPDIR: "/tmp" };
}

// That user also reads what root has written. The processes of the tests inherit the mask.
if (process.getuid?.() === 0) process.umask(0o022);

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
    // Vitest gives up on what it polls after 1 s.
    expect: { poll: { timeout: 60_000 } },
    passWithNoTests: false,
    env: {
      // Hides the SDK's notice about Node 20, which the version in use still supports.
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
      // No test uses a person's own region, endpoint or keys.
      AWS_CONFIG_FILE: devNull,
      AWS_SHARED_CREDENTIALS_FILE: devNull,
      ...openTmpdir(),
    },
  },
});

export default shared;
