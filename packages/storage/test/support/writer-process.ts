import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";

const at = (name: string): string => JSON.stringify(import.meta.resolve(name));

/**
 * A process that runs `body` with an open `storage`. Where it lies is given as the source of an expression, since another
 * process must open it for itself. The process says `ready` once it works.
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
