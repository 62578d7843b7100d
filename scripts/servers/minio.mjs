import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { freePort, has, run, start, until } from "./process.mjs";

/** Pinned: a new version needs its own change, in which the table of deviations is reviewed. */
const VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c";
const BUILT = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "parquetry", `minio-${VERSION}`);
/** A first build compiles everything. */
const BUILD_MS = 15 * 60_000;

/** MinIO over a directory, built from source by the Go toolchain. */
export const minio = {
  name: "minio",
  profile: "s3",
  need: "Go (go.dev), which builds it from source",
  isAvailable: () => has("go", ["version"]),

  async start(dir, { credentials }) {
    const program = join(BUILT, process.platform === "win32" ? "minio.exe" : "minio");
    if (!(await has(program))) {
      await mkdir(BUILT, { recursive: true });
      await run("go", ["install", `github.com/minio/minio@${VERSION}`], {
        timeout: BUILD_MS,
        env: { ...process.env, GOBIN: BUILT },
      });
    }
    const host = `127.0.0.1:${await freePort()}`;
    const args = [
      "server",
      "--quiet",
      "--address",
      host,
      "--console-address",
      `127.0.0.1:${await freePort()}`,
    ];
    const server = start(program, [...args, join(dir, "data")], join(dir, "minio.log"), {
      env: {
        ...process.env,
        MINIO_ROOT_USER: credentials.accessKeyId,
        MINIO_ROOT_PASSWORD: credentials.secretAccessKey,
        // Otherwise it looks for a newer release online.
        MINIO_UPDATE: "off",
        MINIO_BROWSER: "off",
        HOME: dir,
      },
    });
    const endpoint = `http://${host}`;
    try {
      const isReady = async () => {
        const { ok } = await fetch(`${endpoint}/minio/health/ready`);
        if (!ok) throw new Error("not ready yet");
      };
      await until("minio", isReady, server);
      return { endpoint, stop: () => server.stop() };
    } catch (error) {
      await server.stop();
      throw error;
    }
  },
};
