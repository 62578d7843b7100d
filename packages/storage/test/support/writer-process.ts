import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";

const at = (name: string): string => JSON.stringify(import.meta.resolve(name));

/**
 * Starts a process that runs `body` with an open `storage`. The backend is passed as the source of an expression, since the
 * other process must open it itself. The process prints `ready` once it runs.
 */
export function startWriter(backend: string, body: string): ChildProcess {
  const program = `
    import { createLocalBackend } from ${at("@parquetry/backend-local")};
    import { createS3Backend } from ${at("@parquetry/backend-s3")};
    import { Storage, isStorageError, partition } from ${at("@parquetry/core")};
    const storage = new Storage(await ${backend});
    process.stdout.write("ready\\n");
    ${body}`;
  return spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
  });
}
