// The traffic between a migration and its store: the bandwidth on a counting proxy, also while 30 % of all requests fail; stops in
// the middle of large uploads; listings that cannot be right.
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createS3Backend } from "../../packages/backend-s3/dist/index.js";
import { compareKeys, isStorageError, parseKey } from "../../packages/core/dist/backend.js";
import { createMemoryBackend } from "../../packages/core/dist/index.js";
import { openUploadJournal, runMigration } from "../../packages/migrate-cli/dist/index.js";
import { startS3Server } from "../../packages/testkit/dist/index.js";
import { startCountingProxy } from "../../test/support/counting-proxy.mjs";
import { randomFrom } from "./support/random.mjs";

const WINDOW_MS = 2000;
const TOLERANCE = 1.1;
/** The proxy counts what a socket hands over at once. */
const CHUNK_BYTES = 64 * 1024;
const PART_BYTES = 8 * 1024 * 1024;
const RETRY = { maxAttempts: 40, budgetMs: 60_000, baseDelayMs: 2, maxDelayMs: 60 };

/** 30 % of all requests fail in some way. */
const faultsOf = (seed) =>
  [
    [0.1, { kind: "status", status: 503 }],
    [0.05, { kind: "status", status: 500 }],
    [0.05, { kind: "reset", when: "before" }],
    [0.05, { kind: "reset", when: "during" }],
    [0.05, { kind: "drop-reply" }],
    [0.1, { kind: "truncate" }, ["GetObject", "ListObjectsV2"]],
    [0.1, { kind: "flip-byte" }, ["PutObject", "UploadPart"]],
  ].map(([probability, fault, operation], i) => ({
    ...{ probability, fault, seed: seed * 100 + i },
    ...(operation === undefined ? {} : { operation }),
  }));

function bytesOf(random, size) {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE(random.below(2 ** 32), at);
  return bytes;
}

async function contentsOf(backend) {
  const contents = new Map();
  for await (const page of backend.list())
    for (const { key } of page.objects)
      contents.set(key, Buffer.from(await (await backend.get(key)).body.bytes()));
  return contents;
}

function difference(wanted, found) {
  for (const [key, bytes] of wanted)
    if (!found.get(key)?.equals(bytes)) return `${key} differs or is missing`;
  return found.size === wanted.size ? undefined : `${found.size} files instead of ${wanted.size}`;
}

/** One transfer up and one down under a limit. */
async function tryBandwidth(random, seed, isFaulty, rows) {
  const server = await startS3Server({ buckets: ["attack"] });
  const proxy = await startCountingProxy(server.port);
  const { credentials } = server;
  const bucket = createS3Backend({ bucket: "attack", endpoint: proxy.endpoint, credentials, retry: RETRY });
  try {
    const rate = random.pick([300_000, 1_000_000, 4_000_000, 10_000_000]);
    // About 2.5 s each way, in files of one size or another. No file alone takes longer.
    const bytes = rate * 2.5;
    const size = Math.min(bytes, random.pick([1_000, 20_000, 300_000, 3_000_000, 12_000_000]));
    const count = Math.min(800, Math.round(bytes / size));
    const what = `seed ${seed}: ${count} x ${size} bytes at ${rate}/s${isFaulty ? " with faults" : ""}`;
    const source = createMemoryBackend();
    for (let i = 0; i < count; i++) await source.put(parseKey(`raw/f${i}`), bytesOf(random, size));
    if (isFaulty) server.setFaults(faultsOf(seed));
    const back = createMemoryBackend();
    for (const [from, to, direction] of [
      [source, bucket, "up"],
      [bucket, back, "down"],
    ]) {
      proxy.reset();
      const result = await runMigration(from, to, { bytesPerSecond: rate });
      const allowed = (WINDOW_MS / 1000) * rate;
      const most = proxy.mostIn(WINDOW_MS, direction);
      rows.bandwidth.trials++;
      rows.bandwidth.worst = Math.max(rows.bandwidth.worst, most / allowed);
      if (most > allowed * TOLERANCE + CHUNK_BYTES)
        rows.bandwidth.violations.push(`${what}, ${direction}: ${most} bytes in 2 s`);
      if (!result.complete) rows.content.violations.push(`${what}, ${direction}: not complete`);
      result.close();
    }
    rows.content.trials++;
    const problem = difference(await contentsOf(source), await contentsOf(back));
    if (problem !== undefined) rows.content.violations.push(`${what}: ${problem}`);
  } finally {
    await bucket.close();
    await proxy.close();
    await server.close();
  }
}

/** Stops an upload at a random part, runs again, and counts the parts. */
async function tryStop(random, seed, folder, row) {
  const server = await startS3Server({ buckets: ["attack"] });
  const { endpoint, credentials, requests } = server;
  const bucket = createS3Backend({ bucket: "attack", endpoint, credentials, retry: RETRY });
  try {
    const parts = 3 + random.below(4);
    const source = createMemoryBackend();
    const bytes = bytesOf(random, parts * PART_BYTES - random.below(PART_BYTES));
    await source.put(parseKey("large"), bytes);
    server.setFaults([{ operation: "UploadPart", fault: { kind: "latency", ms: 5 + random.below(60) } }]);
    const stopAt = 1 + random.below(parts);
    let stops = 0;
    row.trials++;
    for (let isComplete = false; !isComplete; stops++) {
      const stop = new AbortController();
      const timer = setInterval(() => {
        if (stops < 3 && requests.count("UploadPart") >= Math.min(parts, stopAt * (stops + 1))) stop.abort();
      }, 1);
      const journal = openUploadJournal(join(folder, "uploads"), () => {});
      const result = await runMigration(source, bucket, { uploads: journal, stopSignal: stop.signal });
      clearInterval(timer);
      isComplete = result.complete;
      if (!isComplete && result.stopped !== "interrupted")
        row.violations.push(`seed ${seed}: ended as ${result.stopped}`);
      result.close();
      if (stops > 10) break;
    }
    const sent = requests.count("UploadPart");
    if (sent !== parts) row.violations.push(`seed ${seed}: ${sent} parts sent instead of ${parts}`);
    const problem = difference(new Map([["large", bytes]]), await contentsOf(bucket));
    if (problem !== undefined) row.violations.push(`seed ${seed}: ${problem}`);
  } finally {
    await bucket.close();
    await server.close();
  }
}

/** Sends a listing that was damaged at random: it must end, as `corrupt` or in order. */
async function tryListing(random, seed, row) {
  const names = Array.from({ length: 12 }, (_, i) => `k${String(i).padStart(2, "0")}`);
  const damage = random.pick(["token", "order", "size", "time", "again", "none", "endless"]);
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    const query = new URL(request.url, "http://store").searchParams;
    const token = query.get("continuation-token");
    const after = token === null ? query.get("start-after") : names[Number(token.slice(1)) - 1];
    const first = names.findIndex((name) => compareKeys(name, after ?? "") > 0);
    const items = first < 0 || damage === "endless" ? [] : names.slice(first, first + 3);
    const last = first + items.length;
    if (damage === "order" && items.includes("k06") && items.length > 1) items.reverse();
    const from = damage === "again" && last === names.length && first > 0 ? names.slice(0, 3) : items;
    const contents = from.map((key) => {
      const isHit = key === "k04";
      const size = damage === "size" && isHit ? random.pick(["-1", "1e30", "NaN", "", "1.5"]) : "7";
      const time =
        damage === "time" && isHit ? random.pick(["", "now", "0000-99-00"]) : "2026-01-01T00:00:00.000Z";
      return `<Contents><Key>${key}</Key><LastModified>${time}</LastModified><ETag>"x"</ETag><Size>${size}</Size></Contents>`;
    });
    const isLast = (first < 0 || last === names.length) && !["token", "endless"].includes(damage);
    // The same token for ever leads to the same page; an endless listing has a new one for each empty page.
    const next = damage === "token" ? "t3" : damage === "endless" ? `x${requests}` : `t${last}`;
    const end = isLast
      ? "<IsTruncated>false</IsTruncated>"
      : `<IsTruncated>true</IsTruncated><NextContinuationToken>${next}</NextContinuationToken>`;
    response.end(`<ListBucketResult>${end}${contents.join("")}</ListBucketResult>`);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const bucket = createS3Backend({
    bucket: "attack",
    endpoint: `http://127.0.0.1:${server.address().port}`,
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
  });
  row.trials++;
  const keys = [];
  let code = "none";
  try {
    for await (const page of bucket.list()) keys.push(...page.objects.map(({ key }) => key));
  } catch (error) {
    code = isStorageError(error) ? error.code : String(error);
  }
  const isInOrder = keys.every((key, i) => i === 0 || compareKeys(keys[i - 1], key) < 0);
  if (code !== (damage === "none" ? "none" : "corrupt") || !isInOrder)
    row.violations.push(`seed ${seed}: ${damage} gave ${code} after ${requests} pages`);
  await bucket.close();
  server.close();
  server.closeAllConnections();
}

/** Runs the checks in turn. */
export async function run({ seconds, seed }) {
  const random = randomFrom(seed);
  const folder = mkdtempSync(join(tmpdir(), "parquetry-wire-"));
  const until = performance.now() + seconds * 1000;
  const rows = {
    bandwidth: { trials: 0, violations: [], worst: 0 },
    content: { trials: 0, violations: [] },
  };
  const stops = { trials: 0, violations: [] };
  const listings = { trials: 0, violations: [] };
  try {
    for (let turn = 0; turn === 0 || performance.now() < until; turn++) {
      const one = seed * 1000 + turn;
      for (let i = 0; i < 10; i++) await tryListing(random, one, listings);
      await tryStop(random, one, folder, stops);
      await tryBandwidth(random, one, turn % 2 === 0, rows);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const { worst, ...bandwidth } = rows.bandwidth;
  return [
    {
      check: "a bandwidth limit holds within 10 % over any 2 s on the wire, up and down",
      ...bandwidth,
      note: `at most ${Math.round(worst * 100)} % of the limit`,
    },
    { check: "every byte arrives through a limit, also while 30 % of the requests fail", ...rows.content },
    { check: "a stopped upload is resumed, and no part is sent twice", ...stops },
    { check: "a listing that cannot be right ends as corrupt", ...listings },
  ];
}
