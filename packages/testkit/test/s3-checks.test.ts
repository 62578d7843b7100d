import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { startS3Server } from "../src/index.ts";

const PACKAGE = join(import.meta.dirname, "..");
/** A program with 103 checks of an S3 server, written with other clients. In CI it is next to the repository. */
const CHECKS = join(PACKAGE, "..", "..", "..", "shared", "tools", "s3-conformance.mjs");
// Run from here, so that it finds the clients.
const work = join(PACKAGE, ".vitest", "checks");

const found = existsSync(CHECKS);
if (!found) console.warn(`SKIPPED: ${CHECKS} does not exist, so the 103 checks of the server do not run.`);

for (const where of ["memory", "a directory"]) {
  it.skipIf(!found)(
    `the server in ${where} passes 103 checks of other clients`,
    async () => {
      const folder = join(work, where.replace(" ", "-"));
      await mkdir(folder, { recursive: true });
      await copyFile(CHECKS, join(folder, "checks.mjs"));
      const server = await startS3Server(where === "memory" ? {} : { dir: join(folder, "data") });
      const { accessKeyId, secretAccessKey } = server.credentials;
      try {
        const { stdout } = await promisify(execFile)(
          process.execPath,
          ["checks.mjs", "testkit", server.endpoint, accessKeyId, secretAccessKey, "checks"],
          { cwd: folder, maxBuffer: 10 * 1024 * 1024 },
        );
        expect(stdout.split("\n").filter((line) => line.startsWith("FAIL"))).toEqual([]);
        expect(stdout).toContain("103/103 ok");
      } finally {
        await server.close();
        await rm(folder, { recursive: true });
      }
    },
    120_000,
  );
}
