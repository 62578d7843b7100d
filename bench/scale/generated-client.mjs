// Plans or compares two generated backends in a separate process, and reports what it cost: `generated-client.mjs JOB KEYS`.
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { openHashCache, planMigration, verifyMigration } from "@parquetry/migrate-cli";
import { generatedBackend } from "./generated-backend.mjs";

const [job, keys] = process.argv.slice(2);
const count = Number(keys);
const SHARDS = 8;

/** One key in 100 is missing at the target, and one in 1,000 differs. */
const source = generatedBackend({ name: "source", count });
const target = generatedBackend({
  name: "target",
  count,
  has: (i) => i % 100 !== 7,
  sizeOf: (i) => (i % 1000 === 3 ? 7 : 48_000),
});
const missing = Math.ceil((count - 7) / 100);
const differing = Math.ceil((count - 3) / 1000);

function check(name, found, expected) {
  if (found !== expected) throw new Error(`${found} instead of ${expected} keys are ${name}`);
}

/** Each job returns how many bytes it keeps on a disk for each key that it keeps, if it keeps any. */
const JOBS = {
  async list() {
    let listed = 0;
    for (const side of [source, target]) for await (const page of side.list()) listed += page.objects.length;
    check("missing", 2 * count - listed, missing);
  },
  async plan() {
    const plan = await planMigration(source, target);
    const [file] = plan.files.first(1);
    plan.close();
    check("missing", plan.files.length, missing);
    check("differing", plan.differing.length, differing);
    return JSON.stringify(file).length + 1;
  },
  async verify() {
    const found = await verifyMigration(source, target);
    found.close();
    check("missing", found.missing.length, missing);
    check("differing", found.differing.length, differing);
  },
  async shard() {
    const plan = await planMigration(source, target, { shard: { index: 3, count: SHARDS } });
    plan.close();
  },
  /** Records the hash of each key, then reads all. */
  async "hash cache"() {
    const folder = mkdtempSync(join(tmpdir(), "parquetry-bench-cache-"));
    try {
      const path = join(folder, "md5");
      for (const use of ["set", "get"]) {
        const cache = openHashCache(path);
        for await (const { objects } of source.list())
          for (const { key, etag } of objects) cache[use](source.url(key), etag, etag);
        cache.close();
      }
      return statSync(path).size / count;
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

const before = process.cpuUsage();
const startedAt = performance.now();
const diskBytes = await JOBS[job]();
const seconds = (performance.now() - startedAt) / 1000;
const { user, system } = process.cpuUsage(before);
const { maxRSS } = process.resourceUsage();
const cost = { seconds, cpuSeconds: (user + system) / 1e6, megabytes: maxRSS / 1024, diskBytes };
if (process.send === undefined) console.log(JSON.stringify(cost));
else process.send(cost);
