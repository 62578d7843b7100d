import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import { createS3Backend } from "@parquetry/backend-s3";
import { partition, Storage, type StorageBackend } from "@parquetry/core";
import { processOwner } from "@parquetry/core/unstable";
import { startS3Server } from "@parquetry/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { openQuery } from "../src/index.ts";

/** How often compact runs beside each writer. */
const ROUNDS = Number(process.env["PARQUETRY_QUERIES"] ?? 4);
const PARTITIONS = 3;
/** How late a call may reject after its signal, in milliseconds: some 20 on a quiet machine. */
const LATE_MS = 500;

/** Appends rows with consecutive numbers until the message `stop`, and then prints the next number. */
const writer = (backend: string, mostPauseMs: number): string => `
import { partition, Storage } from "@parquetry/core";
import { createLocalBackend } from "@parquetry/backend-local";
import { createS3Backend } from "@parquetry/backend-s3";
const storage = new Storage(${backend});
let isStopping = false;
process.once("message", () => { isStopping = true; });
let id = 0;
process.stdout.write("ready\\n");
while (!isStopping) {
  await storage.write("raw/g", [{ id }, { id: id + 1 }], partition({ w: (id / 2) % ${PARTITIONS} }), { overwrite: false, onConflict: "retry" });
  id += 2;
  await new Promise((resolve) => setTimeout(resolve, Math.random() * ${mostPauseMs}));
}
process.stdout.write(String(id));
process.disconnect();`;

let clean: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const each of clean.reverse()) await each();
  clean = [];
});

async function openStore(
  kind: "local" | "s3",
): Promise<{ backend: StorageBackend; expression: string; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), "parquetry-compact-beside-"));
  clean.push(() => rm(folder, { recursive: true, force: true }));
  if (kind === "local") {
    const root = join(folder, "data");
    await mkdir(root);
    const expression = `await createLocalBackend({ root: ${JSON.stringify(root)} })`;
    return { backend: await createLocalBackend({ root }), expression, folder };
  }
  const server = await startS3Server({ buckets: ["football"] });
  clean.push(() => server.close());
  const { endpoint, credentials } = server;
  const options = { bucket: "football", endpoint, credentials, forcePathStyle: true };
  return {
    backend: createS3Backend(options),
    expression: `createS3Backend(${JSON.stringify(options)})`,
    folder,
  };
}

async function startWriter(expression: string, mostPauseMs: number): Promise<() => Promise<number>> {
  const child: ChildProcess = spawn(
    process.execPath,
    ["--input-type=module", "-e", writer(expression, mostPauseMs)],
    { cwd: join(import.meta.dirname, ".."), stdio: ["ignore", "pipe", "inherit", "ipc"] },
  );
  clean.push(async () => child.kill("SIGKILL"));
  let output = "";
  child.stdout?.on("data", (data) => {
    output += data;
  });
  if (child.stdout !== null) await once(child.stdout, "data");
  return async () => {
    const closed = once(child, "close");
    child.send("stop");
    await closed;
    return Number(output.replace("ready\n", ""));
  };
}

describe.each(["local", "s3"] as const)("%s", (kind) => {
  it.each([0, 50, 200])(
    "loses and doubles no row beside a writer that appends every 0 to %s ms",
    async (mostPauseMs) => {
      const { backend, expression, folder } = await openStore(kind);
      const storage = new Storage(backend);
      clean.push(() => storage.close());
      const stop = await startWriter(expression, mostPauseMs);
      await using db = await openQuery(storage, { cacheDirectory: join(folder, "cache") });
      await expect
        .poll(() => storage.listFiles("raw/g").then(({ length }) => length), { timeout: 30_000 })
        .toBeGreaterThan(2 * PARTITIONS);
      let compacted = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const report = await db.compact("raw/g");
        compacted += report.compacted.length;
        for (const { partition: path, error } of report.failed) {
          expect(error).toMatchObject({
            code: "conflict",
            op: "compact",
            retry: "safe",
            path: `raw/g/${path}`,
          });
        }
      }
      const written = await stop();
      expect(written).toBeGreaterThan(0);
      const last = await db.compact("raw/g");
      expect(last.failed).toEqual([]);
      expect(compacted + last.compacted.length).toBeGreaterThan(0);
      const { rows } = await db.sql("SELECT w, id FROM g ORDER BY id");
      expect(rows).toEqual(
        Array.from({ length: written }, (_, id) => ({ w: Math.floor(id / 2) % PARTITIONS, id })),
      );
      expect((await storage.repair("raw/g", { dryRun: true })).removed).toEqual([]);
    },
    120_000,
  );

  it("fails with an error that says to run it again when a writer is faster every time", async () => {
    const { backend, folder } = await openStore(kind);
    const storage = new Storage(backend);
    clean.push(() => storage.close());
    let id = 0;
    const append = (): Promise<unknown> =>
      storage.write("raw/g", [{ id: id++ }], partition({ w: 0 }), { overwrite: false, onConflict: "retry" });
    for (let i = 0; i < 3; i++) await append();
    await storage.write("raw/g", [{ id: 100 }], partition({ w: 1 }), { overwrite: false });
    await storage.write("raw/g", [{ id: 101 }], partition({ w: 1 }), { overwrite: false });
    // Another writer commits whenever compact is about to.
    const racing = new Storage({
      ...backend,
      async put(key, body, options) {
        if (key.includes("w=0")) await append();
        return backend.put(key, body, options);
      },
    });
    await using db = await openQuery(racing, { cacheDirectory: join(folder, "cache") });
    const { compacted, failed } = await db.compact("raw/g");
    expect(compacted.map(({ partition: path }) => path)).toEqual(["w=1"]);
    expect(failed).toMatchObject([
      { partition: "w=0", error: { code: "conflict", retry: "safe", path: "raw/g/w=0" } },
    ]);
    const { rows } = await db.sql("SELECT id FROM g WHERE w = 0 ORDER BY id");
    expect(rows.map((row) => row["id"])).toEqual(Array.from({ length: id }, (_, i) => i));
    expect((await storage.repair("raw/g", { dryRun: true })).removed).toEqual([]);
  });

  it.each([true, false])(
    "rejects as soon as its signal fires, and leaves each partition whole (isolate: %s)",
    async (isolate) => {
      const { backend, folder } = await openStore(kind);
      const storage = new Storage(backend);
      clean.push(() => storage.close());
      const rows = Array.from({ length: 20_000 }, (_, id) => ({ id, text: `text ${id}` }));
      for (let w = 0; w < 4; w++)
        for (let i = 0; i < 3; i++)
          await storage.write("raw/g", rows, partition({ w }), { overwrite: false });
      await using db = await openQuery(storage, { cacheDirectory: join(folder, "cache"), isolate });
      const lateness: number[] = [];
      for (const afterMs of [1, 20, 80, 200, 400]) {
        const controller = new AbortController();
        let firedAt = Number.POSITIVE_INFINITY;
        setTimeout(() => {
          firedAt = performance.now();
          controller.abort();
        }, afterMs);
        const call = db.compact("raw/g", { signal: controller.signal });
        const error = await call.then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        if (error !== undefined) {
          expect(error).toMatchObject({ code: "aborted" });
          lateness.push(performance.now() - firedAt);
        }
        const found = await db.sql(
          "SELECT w, count(*) AS n, count(DISTINCT id) AS ids FROM g GROUP BY w ORDER BY w",
        );
        expect(found.rows).toEqual([0, 1, 2, 3].map((w) => ({ w, n: 60_000, ids: 20_000 })));
      }
      // Other processes delay single calls, too.
      const median = lateness.sort((a, b) => a - b)[lateness.length >> 1];
      if (median !== undefined) expect(median).toBeLessThan(LATE_MS);
      expect((await db.compact("raw/g")).failed).toEqual([]);
      const files = await storage.listFiles("raw/g");
      expect(files.filter((key) => key.endsWith(".parquet"))).toHaveLength(4);
      expect((await storage.repair("raw/g", { dryRun: true })).removed).toEqual([]);
      const temporary = (await readdir(tmpdir())).filter((name) =>
        name.startsWith(`parquetry-query-${processOwner()}`),
      );
      expect(temporary).not.toEqual([]);
      for (const name of temporary) {
        const left = await readdir(join(tmpdir(), name), { recursive: true });
        expect(left.filter((path) => /result-\d+\.parquet$/.test(path))).toEqual([]);
      }
    },
    60_000,
  );
});
