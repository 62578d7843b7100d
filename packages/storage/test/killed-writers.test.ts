import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import { createS3Backend } from "@parquetry/backend-s3";
import { parseKey, partition, Storage, type StorageBackend } from "@parquetry/core";
import { joinKey } from "@parquetry/core/unstable";
import { encodeParquet, parseManifest } from "@parquetry/core/unstable/tables";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWriter } from "./support/writer-process.ts";

/** How often a writer is killed on each store. `PARQUETRY_KILLS=200` is the long run. */
const KILLS = Number(process.env["PARQUETRY_KILLS"] ?? 4);
const PROCESSES = 8;
/** How many rows each process adds. `PARQUETRY_ROUNDS=50` is the long run. */
const ROUNDS = Number(process.env["PARQUETRY_ROUNDS"] ?? 3);
/** How many partitions of the Python system are replaced. `PARQUETRY_PARTITIONS=5000` is the long run. */
const PARTITIONS = Number(process.env["PARQUETRY_PARTITIONS"] ?? 24);
/** Rows of one version: enough to detect a part of them. */
const ROWS = 50;
/** More versions than one writer writes, so that no two writers write the same one. */
const VERSIONS = 1_000_000;

const ENTITY = "raw/games";
const PLACE = partition({ year: 2024 });
const FOLDER = parseKey("raw/games/year=2024");

let server: S3Server;
let folder: string;

beforeAll(async () => {
  server = await startS3Server({ buckets: ["tables"] });
  folder = await mkdtemp(join(tmpdir(), "parquetry-killed-"));
});

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

interface Place {
  readonly backend: StorageBackend;
  /** The source of an expression that opens the same backend in another process. */
  readonly source: string;
  /** Whether other engines see no file before its commit. */
  readonly hides: boolean;
}

let count = 0;
const PLACES: Readonly<Record<string, () => Promise<Place>>> = {
  local: async () => {
    const options = { root: await mkdtemp(join(folder, "root-")) };
    return {
      backend: await createLocalBackend(options),
      source: `createLocalBackend(${JSON.stringify(options)})`,
      hides: true,
    };
  },
  s3: async () => {
    const { endpoint, credentials } = server;
    const options = { bucket: "tables", endpoint, credentials, prefix: parseKey(`place-${count++}`) };
    const source = `createS3Backend(${JSON.stringify(options)})`;
    return { backend: createS3Backend(options), source, hides: false };
  },
};

/** Returns the version that a reader sees: every row must have it, and no row may be missing. */
async function versionOf(storage: Storage): Promise<number> {
  const rows = await storage.readIndex(ENTITY);
  const versions = new Set(rows.map((row) => Number(row["version"])));
  expect([...versions], "one version, not two").toHaveLength(1);
  expect(rows, "all of its rows").toHaveLength(ROWS);
  return [...versions][0] ?? -1;
}

/**
 * Expects that an engine that knows no manifests finds whole versions: one, or the old and the new one, and those of the last
 * `uncommitted` writers, which were killed before they committed any.
 */
async function expectWholeVersions(storage: Storage, uncommitted: number): Promise<void> {
  const rows = new Map<number, number>();
  for (const path of await storage.listFiles(FOLDER)) {
    if (!path.endsWith(".parquet") || path.includes("/_")) continue;
    for (const { version } of await storage.readParquet(path))
      rows.set(Number(version), (rows.get(Number(version)) ?? 0) + 1);
  }
  expect(rows.size).toBeGreaterThan(0);
  expect(rows.size).toBeLessThanOrEqual(2 + uncommitted);
  expect([...rows.values()]).toEqual(new Array(rows.size).fill(ROWS));
}

async function expectTidy(backend: StorageBackend): Promise<void> {
  const { body } = await backend.get(joinKey(FOLDER, "_manifest.json"));
  const manifest = parseManifest(await body.bytes(), FOLDER);
  expect(await new Storage(backend).listFiles(FOLDER)).toHaveLength((manifest.files?.length ?? 0) + 1);
}

describe.each(Object.entries(PLACES))("writer processes on %s", (_, open) => {
  it(
    `killed ${KILLS} times at random instants show readers whole versions only, and do not obstruct the next writer`,
    async () => {
      const { backend, source, hides } = await open();
      const storage = new Storage(backend);
      const rowsOf = (version: number): { version: number }[] =>
        Array.from({ length: ROWS }, () => ({ version }));
      await storage.write(ENTITY, rowsOf(0), PLACE);
      let latest = 0;
      let uncommitted = 0;
      for (let kill = 1; kill <= KILLS; kill++) {
        const first = kill * VERSIONS;
        const writer = startWriter(
          source,
          `for (let version = ${first}; ; version++) {
             const rows = Array.from({ length: ${ROWS} }, () => ({ version }));
             await storage.write(${JSON.stringify(ENTITY)}, rows, partition({ year: 2024 }), { onConflict: "retry" });
           }`,
        );
        const exit = once(writer, "exit");
        if (writer.stdout === null) throw new Error("no pipe");
        await once(writer.stdout, "data");
        const killAt = performance.now() + 20 + Math.random() * 60;
        while (performance.now() < killAt) {
          const version = await versionOf(storage);
          expect(version, "no version comes back").toBeGreaterThanOrEqual(latest);
          latest = version;
        }
        writer.kill("SIGKILL");
        await exit;
        const left = await versionOf(storage);
        expect(left).toBeGreaterThanOrEqual(latest);
        latest = left;
        uncommitted = hides || latest >= first ? 0 : uncommitted + 1;
        await expectWholeVersions(storage, uncommitted);
      }
      await storage.write(ENTITY, rowsOf(latest + 1), PLACE);
      expect(await versionOf(storage)).toBe(latest + 1);
      await expectTidy(backend);
      await storage.close();
    },
    30_000 + KILLS * 2_000,
  );

  it(
    `running concurrently (${PROCESSES}) neither lose nor duplicate rows`,
    async () => {
      const { backend, source } = await open();
      const exits = Array.from({ length: PROCESSES }, async (_, writer) => {
        const child = startWriter(
          source,
          `for (let round = 0; round < ${ROUNDS}; round++) {
             await storage.write(${JSON.stringify(ENTITY)}, [{ id: ${writer} * 1000 + round }], partition({ year: 2024 }), { overwrite: false, onConflict: "retry" });
           }
           await storage.close();`,
        );
        child.stdout?.resume();
        return once(child, "exit");
      });
      for (const exit of await Promise.all(exits)) expect(exit).toEqual([0, null]);
      const ids = (await new Storage(backend).readIndex(ENTITY)).map((row) => Number(row["id"]));
      const expected = Array.from({ length: PROCESSES }, (_, writer) =>
        Array.from({ length: ROUNDS }, (_, round) => writer * 1000 + round),
      ).flat();
      expect(ids.sort((a, b) => a - b)).toEqual(expected);
      await expectTidy(backend);
      await backend.close();
    },
    30_000 + ROUNDS * 20_000,
  );

  it(
    `replacing ${PARTITIONS} partitions of the Python system show readers all old or all new rows of each`,
    async () => {
      const { backend, source } = await open();
      const storage = new Storage(backend);
      const file = await encodeParquet([{ version: 0 }], [{ name: "version", type: "int64" }]);
      for (let n = 0; n < PARTITIONS; n++) {
        const put = (name: string, bytes: Uint8Array): Promise<unknown> =>
          backend.put(parseKey(`raw/python/n=${n}/${name}`), bytes);
        await Promise.all([put("a.parquet", file), put("b.parquet", file)]);
        await put("manifest.json", new TextEncoder().encode('{"rows": 2}'));
      }
      const writer = startWriter(
        source,
        `for (let n = 0; n < ${PARTITIONS}; n++)
           await storage.write("raw/python", [{ version: 1 }], partition({ n }), { overwrite: n % 2 === 0 });
         await storage.close();`,
      );
      writer.stdout?.resume();
      let isRunning = true;
      const exit = once(writer, "exit").finally(() => {
        isRunning = false;
      });
      const seen = new Set<string>();
      for (let isLast = false; !isLast; ) {
        isLast = !isRunning;
        const versions = Array.from({ length: PARTITIONS }, (): number[] => []);
        for (const row of await storage.readIndex("raw/python"))
          versions[Number(row["n"])]?.push(Number(row["version"]));
        for (const [n, found] of versions.entries()) {
          const version = found.sort().join(" ");
          const replaced = n % 2 === 0 ? "1" : "0 0 1";
          expect(isLast ? [replaced] : ["0 0", replaced], `partition ${n}`).toContain(version);
          seen.add(version);
        }
      }
      expect(await exit).toEqual([0, null]);
      expect([...seen].sort()).toEqual(["0 0", "0 0 1", "1"]);
      const left = await storage.listFiles("raw/python");
      expect(left.filter((path) => path.endsWith("/manifest.json"))).toEqual([]);
      await backend.close();
    },
    30_000 + PARTITIONS * 1_000,
  );
});
