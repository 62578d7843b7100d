// Writers are killed at random instants while others read the partition that they replace: by readIndex, by SQL and, as an engine
// that knows no manifests, by the names of the files. Then the next writer has to leave nothing behind.
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "../../packages/backend-local/dist/index.js";
import { createS3Backend } from "../../packages/backend-s3/dist/index.js";
import { isStorageError, Storage } from "../../packages/core/dist/index.js";
import { openQuery } from "../../packages/query/dist/index.js";
import { startS3Server } from "../../packages/testkit/dist/s3-server.js";
import { randomFrom } from "./support/random.mjs";
import { ENTITY, FOLDER, PLACE, ROWS, startWriter, versionRows } from "./support/writer.mjs";

/** @returns {Promise<object[]>} the checks, on a disk and on S3. */
export async function run({ seconds, seed }) {
  const random = randomFrom(seed);
  const folder = mkdtempSync(join(tmpdir(), "parquetry-kills-"));
  const server = await startS3Server({ buckets: ["kills"] });
  const s3 = { bucket: "kills", endpoint: server.endpoint, credentials: server.credentials };
  const root = join(folder, "data");
  mkdirSync(root);
  try {
    const places = {
      disk: {
        root,
        source: `createLocalBackend(${JSON.stringify({ root })})`,
        open: () => createLocalBackend({ root }),
      },
      S3: { source: `createS3Backend(${JSON.stringify(s3)})`, open: async () => createS3Backend(s3) },
    };
    const rows = [];
    for (const [name, place] of Object.entries(places))
      rows.push(...(await attack(name, place, join(folder, `cache-${name}`), seconds / 2, random, seed)));
    return rows;
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function attack(name, place, cacheDirectory, seconds, random, seed) {
  const check = (text) => ({ check: `${name}: ${text}`, trials: 0, violations: [] });
  const own = check(
    "readIndex beside writers that are killed returns all old or all new rows, and never older ones",
  );
  const sql = check(
    "SQL beside writers that are killed returns all old or all new rows, and never older ones",
  );
  const plain = check("engines that know no manifests find whole versions after a kill, never a part of one");
  const tidy = check("the next write leaves no file of the killed ones");
  const storage = new Storage(await place.open());
  await storage.write(ENTITY, versionRows(0), PLACE);
  let latest = 0;
  let both = 0;
  let besideTrials = 0;
  let besideBoth = 0;
  let leftBytes = 0;
  let kill = 0;
  /** Tries one read of `kind`, which returns the versions of all rows. */
  const tryRead = async (row, read) => {
    row.trials++;
    try {
      const versions = await read();
      const [version] = versions;
      if (versions.length !== ROWS || versions.some((other) => other !== version))
        row.violations.push(
          `seed ${seed}, kill ${kill}: ${versions.length} rows of versions ${[...new Set(versions)]}`,
        );
      else if (version < latest)
        row.violations.push(`seed ${seed}, kill ${kill}: version ${version} after ${latest}`);
      else latest = version;
    } catch (error) {
      row.violations.push(
        `seed ${seed}, kill ${kill}: ${isStorageError(error) ? error.code : ""} ${error.message}`,
      );
    }
  };
  const readOwn = () =>
    tryRead(own, async () => (await storage.readIndex(ENTITY)).map((row) => Number(row.version)));
  const readSql = () =>
    tryRead(sql, async () => {
      const db = await openQuery(storage, { cacheDirectory });
      try {
        return (await db.sql("SELECT version FROM games")).rows.map((row) => Number(row.version));
      } finally {
        await db.close();
      }
    });

  const endsAt = performance.now() + seconds * 1000;
  for (; kill === 0 || performance.now() < endsAt; kill++) {
    const writer = startWriter(place.source, latest + 1);
    const exit = once(writer, "exit");
    await once(writer.stdout, "data");
    const killAt = performance.now() + 20 + random.next() * 100;
    while (performance.now() < killAt) {
      await readOwn();
      const versions = await plainVersions(storage);
      if (versions === undefined) continue;
      besideTrials++;
      if (versions.size > 1) besideBoth++;
    }
    if (kill % 4 === 0) await readSql();
    writer.kill("SIGKILL");
    await exit;

    const found = await plainVersions(storage);
    plain.trials++;
    const isWhole = found !== undefined && [...found.values()].every((count) => count === ROWS);
    if (!isWhole || found.size === 0 || found.size > 2)
      plain.violations.push(`seed ${seed}, kill ${kill}: ${JSON.stringify([...(found ?? [])])}`);
    else if (found.size === 2) both++;
    await readOwn();
    await readSql();

    leftBytes += bytesLeft(place.root);
    // A new backend, as the next run has.
    const next = new Storage(await place.open());
    await next.write(ENTITY, versionRows(latest + 1), PLACE);
    await next.close();
    latest++;
    tidy.trials++;
    const names = await storage.listFiles(FOLDER);
    const hidden = place.root === undefined ? [] : ownNames(place.root);
    if (names.length !== 2 || hidden.length > 0)
      tidy.violations.push(`seed ${seed}, kill ${kill}: ${[...names, ...hidden].join(", ")}`);
  }
  await storage.close();
  own.note = `${kill} kills`;
  plain.note = `old and new rows together after ${both} of ${kill} kills, and in ${besideBoth} of ${besideTrials} reads beside writers`;
  if (place.root !== undefined)
    tidy.note = `${leftBytes} bytes of temporary files before, ${bytesLeft(place.root)} after`;
  return [own, sql, plain, tidy];
}

/** Returns the rows of each version in the files that engines do not ignore, or undefined if one vanished while it was read. */
async function plainVersions(storage) {
  const counts = new Map();
  try {
    for (const path of await storage.listFiles(FOLDER)) {
      if (!path.endsWith(".parquet") || /\/[._][^/]*$/.test(path)) continue;
      for (const { version } of await storage.readParquet(path))
        counts.set(Number(version), (counts.get(Number(version)) ?? 0) + 1);
    }
    return counts;
  } catch (error) {
    if (isStorageError(error, "not_found") || isStorageError(error, "precondition_failed")) return undefined;
    throw error;
  }
}

function ownNames(root) {
  return readdirSync(root, { recursive: true }).filter((name) => name.includes(".parquetry-"));
}

function bytesLeft(root) {
  if (root === undefined) return 0;
  return ownNames(root).reduce((sum, name) => {
    const stats = statSync(join(root, name), { throwIfNoEntry: false });
    return sum + (stats?.isFile() ? stats.size : 0);
  }, 0);
}
