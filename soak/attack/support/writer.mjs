import { spawn } from "node:child_process";
import { partition } from "../../../packages/core/dist/index.js";

export const ENTITY = "raw/games";
export const FOLDER = "raw/games/year=2024";
export const PLACE = partition({ year: 2024 });
/** Rows of one version: enough to detect a part of them. */
export const ROWS = 50;
const PACKAGES = new URL("../../../packages/", import.meta.url).href;

/** Returns the rows of one version. */
export const versionRows = (version) => Array.from({ length: ROWS }, () => ({ version }));

/** Starts a process that replaces the partition by one version after the other; it prints `ready` before the first one. */
export function startWriter(source, first) {
  const at = (name) => JSON.stringify(`${PACKAGES}${name}/dist/index.js`);
  const program = `
    import { createLocalBackend } from ${at("backend-local")};
    import { createS3Backend } from ${at("backend-s3")};
    import { Storage, partition } from ${at("core")};
    const storage = new Storage(await ${source});
    process.stdout.write("ready");
    for (let version = ${first}; ; version++) {
      const rows = Array.from({ length: ${ROWS} }, () => ({ version }));
      await storage.write(${JSON.stringify(ENTITY)}, rows, partition({ year: 2024 }), { onConflict: "retry" });
    }`;
  const writer = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  // If a check fails unexpectedly, the writer must not outlive this process.
  const stop = () => writer.kill("SIGKILL");
  process.once("exit", stop);
  writer.once("exit", () => process.removeListener("exit", stop));
  return writer;
}
