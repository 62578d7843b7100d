// Bundles the worker, runs it in workerd, the runtime of Cloudflare Workers, over R2 with a table in it, and asks it for a partition.
import assert from "node:assert/strict";
import { join } from "node:path";
import { createMemoryBackend, partition, Storage } from "@parquetry/core";
import { Miniflare } from "miniflare";
import { rolldown } from "rolldown";

/** The modules of Node that core needs. Workers have them with the compatibility flag `nodejs_compat`. */
const NODE_MODULES = [
  "node:buffer",
  "node:crypto",
  "node:diagnostics_channel",
  "node:timers/promises",
  "node:util",
  "node:worker_threads",
  "node:zlib",
];

const bundle = await rolldown({
  input: join(import.meta.dirname, "worker.mjs"),
  platform: "browser",
  // As Wrangler resolves: first what is for this runtime.
  resolve: { conditionNames: ["workerd", "worker", "browser", "import"] },
  external: /^node:/,
});
const [worker, ...others] = (await bundle.generate({ format: "esm", minify: true })).output;
await bundle.close();
assert.deepEqual(others, [], "the worker is one file");
assert.deepEqual([...worker.imports].sort(), NODE_MODULES);

const miniflare = new Miniflare({
  host: "127.0.0.1",
  port: 0,
  // Otherwise it downloads sample request metadata from Cloudflare.
  cf: false,
  modules: true,
  script: worker.code,
  compatibilityDate: "2026-07-01",
  compatibilityFlags: ["nodejs_compat"],
  r2Buckets: ["DATA"],
});
try {
  const backend = createMemoryBackend();
  const storage = new Storage(backend);
  for (const year of [2023, 2024])
    await storage.write("raw/plays", [{ team: "Rice", yards: year - 2000 }], partition({ year }));
  const bucket = await miniflare.getR2Bucket("DATA");
  for (const file of await storage.listFiles("")) {
    const { body } = await backend.get(file);
    await bucket.put(file, await body.bytes());
  }

  const url = await miniflare.ready;
  const answer = await fetch(new URL("/raw/plays?year=2024", url));
  const rows = await answer.json();
  assert.deepEqual(rows, [{ team: "Rice", yards: 24, year: "2024" }]);
  const missing = await fetch(new URL("/raw/plays?year=1999", url));
  assert.equal(missing.status, 404);
  console.log(
    `A worker of ${Math.round(worker.code.length / 1000)} kB read ${JSON.stringify(rows)} from R2.`,
  );
} finally {
  await miniflare.dispose();
}
