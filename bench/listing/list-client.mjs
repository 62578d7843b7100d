// Lists a bucket in a separate process and prints the result and its cost: `list-client.mjs plain|ranges ENDPOINT`.
import { writeSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { createS3Backend } from "@parquetry/backend-s3";

const [how, endpoint] = process.argv.slice(2);
const credentials = { accessKeyId: "key", secretAccessKey: "secret" };
const backend = createS3Backend({ bucket: "bench", endpoint, credentials });
let objects = 0;
let last = "";

/** Page by page, as before: each page is requested by `startAfter`, and no listing is long enough to be cut. */
async function* plain() {
  let startAfter;
  for (;;) {
    let count = 0;
    for await (const page of backend.list({ startAfter })) {
      count = page.objects.length;
      yield page;
      startAfter = page.objects.at(-1)?.key;
      break;
    }
    if (count < 1000) return;
  }
}

const startedAt = performance.now();
for await (const page of how === "plain" ? plain() : backend.list()) {
  for (const { key } of page.objects) {
    if (key <= last) throw new Error(`${key} came after ${last}`);
    last = key;
    objects++;
  }
}
const seconds = (performance.now() - startedAt) / 1000;
await backend.close();
const { user, system } = process.cpuUsage();
const { maxRSS } = process.resourceUsage();
writeSync(1, JSON.stringify({ objects, seconds, cpuSeconds: (user + system) / 1e6, rssMb: maxRSS / 1024 }));
