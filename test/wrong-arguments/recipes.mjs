// Valid arguments of each call, from which the wrong ones are made. A call without a recipe is made with nothing but wrong
// arguments, so that a new export is covered at once.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { abilitiesOf, objectBody } from "../../packages/core/dist/backend.js";
import { Partition, partition, Storage } from "../../packages/core/dist/index.js";
import { TrinoClient } from "../../packages/trino/dist/index.js";
import { chunks, z } from "./world.mjs";

const KEY = "raw/x.csv";
const ENTITY = "raw/plays";
const BYTES = new Uint8Array([1, 2, 3]);
const MD5 = createHash("md5").update(BYTES).digest("hex");
const SQL = "SELECT yards FROM plays WHERE year = $year";
const column = { name: "a", type: "int64" };
const info = { key: KEY, sizeBytes: 3, etag: "e", lastModified: new Date(0), md5: MD5 };
const environment = (world) => ({ PARQUETRY_STORAGE_BACKEND: "local", PARQUETRY_DATA_ROOT: world.root });
const description = {
  entity: ENTITY,
  keys: [{ name: "year", type: "BIGINT" }],
  columns: [{ name: "yards", type: "BIGINT" }],
  looked: { partitions: 1, of: 1 },
  unreadable: [],
  hasCsv: false,
};
const fault = { fault: { kind: "status", status: 503 }, operation: "GetObject", key: "x", nth: 1 };

/** By the path of the call: exports by name, what they return as `name()`, methods after a dot. */
export const RECIPES = {
  Storage: (world) => [world.memory],
  "Partition.of": () => [[["year", "2024"]]],
  "Partition.parse": () => ["year=2024"],
  "partition().get": () => ["year"],
  columnsFromZod: () => [z.object({ a: z.number() })],
  isStorageError: () => [new Error("x"), "conflict"],
  parseKey: () => ["a", "op"],
  parsePrefix: () => ["a", "op"],
  partition: () => [{ year: 2024 }],
  "Storage().fullPath": () => [KEY],
  "Storage().exists": () => [KEY, {}],
  "Storage().listFiles": () => ["raw", {}],
  "Storage().listEntities": () => ["raw", {}],
  "Storage().readParquet": () => ["raw/x.parquet", {}],
  "Storage().scanParquet": () => ["raw/x.parquet", {}],
  "Storage().writeParquet": () => ["new.parquet", [{ a: 1 }], { schema: [column] }],
  "Storage().readCsv": () => [KEY, {}],
  "Storage().scanCsv": () => [KEY, {}],
  "Storage().writeCsv": () => ["new.csv", [{ a: 1 }], {}],
  "Storage().readIndex": () => [ENTITY, { year: ["2024"] }, {}],
  "Storage().scan": () => [ENTITY, { year: "2024" }, {}],
  "Storage().write": () => [ENTITY, [{ yards: 1 }], partition({ year: 2024 }), {}],
  "Storage().replacePartitions": () => [
    ENTITY,
    [{ partition: partition({ year: 2024 }), rows: [{ yards: 1 }] }],
    {},
  ],
  "Storage().writePartitions": () => [ENTITY, [{ year: 2024, yards: 1 }], { by: ["year"] }],
  "Storage().repair": () => [ENTITY, {}],
  "Storage().inspect": () => [ENTITY, {}],
  "Storage().delete": () => [[KEY], {}],

  abilitiesOf: (world) => [world.memory],
  bodyCheck: () => ["memory", KEY, { md5: MD5 }],
  "bodyCheck().update": () => [BYTES],
  checked: (world) => [world.memory],
  collectBytes: () => [chunks()],
  limited: (world) => [world.memory, { maxConcurrent: 4 }],
  listObjects: (world) => [world.memory, {}],
  objectBody: () => [chunks(), async () => {}],
  openBody: () => [BYTES],
  paced: (world) => [world.memory],
  prefixed: (world) => [world.memory, "raw"],
  resolveRange: () => [{ start: 0 }, 3, KEY, "memory"],
  retrying: (world) => [world.memory, { maxAttempts: 1, budgetMs: 10, baseDelayMs: 1, maxDelayMs: 1 }],
  throwIfAborted: () => [new AbortController().signal, "op", "path", "memory"],
  verifiedBody: () => ["memory", info, undefined, objectBody(chunks(), async () => {})],
  withAbilities: (world) => [world.other, {}],

  createLocalBackend: (world) => [{ root: world.root }],
  removeLeftovers: (world) => [{ root: world.root, dryRun: true }],
  createS3Backend: (world) => [world.s3Options],
  createR2Backend: (world) => [
    { bucket: "bucket", endpoint: world.r2.endpoint, credentials: world.r2.credentials },
  ],

  getBackend: (world) => [{ env: environment(world) }],
  getStorage: (world) => [{ env: environment(world) }],
  openBackend: (world) => [world.root, { env: {} }],
  openStorage: (world) => [world.root, { env: {} }],
  readStorageConfig: (world) => [{ env: environment(world) }],
  configuredCloud: () => [{ env: {} }],
  findLeftovers: (world) => [world.root],

  openQuery: (world) => [world.storage, { cacheDirectory: world.cache }],
  "openQuery().sql": () => [SQL, { year: 2024 }, {}],
  "openQuery().columns": () => [SQL, { year: 2024 }, {}],
  "openQuery().arrow": () => [SQL, { year: 2024 }, {}],
  "openQuery().stream": () => [SQL, { year: 2024 }, {}],
  "openQuery().open": () => [SQL, { year: 2024 }, {}],
  "openQuery().toParquet": () => [SQL, { year: 2024 }, {}],
  "openQuery().files": () => [SQL, { year: 2024 }, {}],
  "openQuery().explain": () => [SQL, { year: 2024 }, {}],
  "openQuery().tables": () => [{}],
  "openQuery().describe": () => ["plays", {}],
  "openQuery().compact": () => [ENTITY, { dryRun: true }],
  clearCache: (world) => [world.cache],
  describeNotes: () => [description],
  generateDdl: () => ["trino", description, "s3://bucket/raw/plays"],
  inspectCache: (world) => [world.cache],
  resolveTable: () => ["plays", [ENTITY]],

  TrinoClient: (world) => [
    { ...world.trino, retry: { maxAttempts: 1, budgetMs: 10, baseDelayMs: 1, maxDelayMs: 1 } },
  ],
  registerTable: (world) => [
    new TrinoClient({
      ...world.trino,
      retry: { maxAttempts: 1, budgetMs: 10, baseDelayMs: 1, maxDelayMs: 1 },
    }),
    world.memory,
    description,
    { dryRun: true },
  ],
  // No query is run.
  startUi: (world) => [{ storage: world.storage, database: { open: null, explain: null, describe: null } }],
  trino: (world) => [
    { ...world.trino, retry: { maxAttempts: 1, budgetMs: 10, baseDelayMs: 1, maxDelayMs: 1 } },
  ],
  "trino().open": (world) => [world.storage],
  "TrinoClient().open": () => ["SELECT ?", { parameters: [1] }],
  "TrinoClient().rows": () => ["SELECT ?", { parameters: [1] }],

  doctor: (world) => [[{ name: "a", open: async () => world.memory }], {}],
  estimateCost: () => [{ storedBytes: 1 }],
  formatParity: () => [
    { folder: "raw", source: 1, bytes: 1, target: 1, missing: 0, extra: 0, differing: 0, unverifiable: 0 },
  ],
  inventory: (world) => [world.memory, {}],
  openHashCache: (world) => [join(world.work, "hashes"), () => {}],
  "openHashCache().get": () => ["file:///x", "etag"],
  "openHashCache().set": () => ["file:///x", "etag", MD5, true],
  openUploadJournal: (world) => [join(world.work, "journal"), () => {}],
  "openUploadJournal().get": () => ["s3://b/k"],
  "openUploadJournal().set": () => [{ url: "s3://b/k", key: "k", etag: "e", begunAt: Date.now() }],
  "openUploadJournal().delete": () => ["s3://b/k"],
  parsePriceTable: (_, { PRICES_2026_10 }) => [JSON.stringify(PRICES_2026_10), "prices.json"],
  planMigration: (world) => [world.memory, world.other, {}],
  runMigration: (world) => [world.memory, world.other, {}],
  verifyMigration: (world) => [world.memory, world.other, {}],

  describeBackend: (world) => [
    "x",
    async () => world.other,
    { describe: (_, body) => body(), it: () => {} },
    {},
  ],
  faulty: (world) => [world.memory, () => undefined, {}],
  guaranteeTable: () => [[{ name: "local", abilities: ["hashedReads"] }]],
  startS3Server: () => [{ buckets: ["bucket"] }],
  "startS3Server().setFaults": () => [[fault]],
  "startS3Server().requests.count": () => ["GetObject"],
};

/** Valid arguments of the methods of every backend, whoever returned it. */
const BACKEND = {
  url: () => [KEY],
  head: () => [KEY, {}],
  get: () => [KEY, { range: { start: 0 } }],
  put: () => ["new", BYTES, {}],
  list: () => [{}],
  delete: () => [[KEY], {}],
  copy: () => [KEY, "copied", {}],
};

const SPOOL = { push: () => [{ key: "a" }], first: () => [1] };

/** The recipe of a call, also of methods that many objects have. */
export function recipeOf(path, subject) {
  if (Object.hasOwn(RECIPES, path)) return RECIPES[path];
  const method = path.slice(path.lastIndexOf(".") + 1);
  if (subject instanceof Partition)
    return method === "child" ? () => [`key${subject.entries.length}`, 1] : RECIPES[`partition().${method}`];
  if (method === "rename") return () => [KEY, "raw/renamed.csv", {}];
  if (method === "mayKeepHash") return () => [KEY, "etag", 0];
  if (subject instanceof Storage) return RECIPES[`Storage().${method}`];
  if (typeof subject?.head === "function" && typeof subject.put === "function") {
    // Below the prefix of `prefixed`.
    const args = BACKEND[method];
    return path.startsWith("prefixed()") && args !== undefined
      ? () =>
          JSON.parse(JSON.stringify(args()).replaceAll("raw/x.csv", "x.csv")).map((arg, i) =>
            method === "put" && i === 1 ? BYTES : arg,
          )
      : args;
  }
  if (typeof subject?.push === "function" && typeof subject.first === "function") return SPOOL[method];
  return undefined;
}

/** Valid values of options, from which the wrong ones inside them are made. */
export const OPTIONS = {
  csv: () => ({ delimiter: "," }),
  untrusted: () => ({ timeoutMs: 10_000 }),
  limits: () => ({ maxColumns: 100 }),
  columns: () => ["a"],
  keyTypes: () => ({ year: "string" }),
  schema: () => [column],
  range: () => ({ start: 0 }),
  retry: () => ({ maxAttempts: 1 }),
  credentials: () => ({ accessKeyId: "a", secretAccessKey: "b" }),
  hiveTypes: () => ({ [ENTITY]: { year: "VARCHAR" } }),
  columnTypes: () => ({ [ENTITY]: { yards: "DOUBLE" } }),
  into: () => ({ entity: "raw/other", keys: ["year"] }),
  where: (path) => (path.includes("compact") ? { year: "2024" } : ["year=2024"]),
  sortBy: () => ["yards"],
  include: () => ["raw/"],
  exclude: () => ["raw/"],
  shard: () => ({ index: 1, count: 1 }),
  nullValues: () => ["NA"],
  auth: () => ({ password: "secret" }),
  session: () => ({ query_max_run_time: "10m" }),
  scale: () => ({ writers: 1 }),
  env: () => ({ PARQUETRY_STORAGE_BACKEND: "local" }),
};

/** Objects that no export returns without arguments. */
export const OTHER_SUBJECTS = {
  "abilitiesOf(local).hashedReads": (world) => abilitiesOf(world.local).hashedReads,
  "abilitiesOf(s3).resumableUploads": (world) => abilitiesOf(world.s3).resumableUploads,
  "abilitiesOf(s3).directAccess": (world) => abilitiesOf(world.s3).directAccess,
};
Object.assign(RECIPES, {
  "abilitiesOf(local).hashedReads.read": () => [KEY, { sizeBytes: 4, etag: "e" }, {}],
  "abilitiesOf(local).hashedReads.hashTogether": () => [[{ key: KEY, sizeBytes: 4, etag: "e" }], {}],
  "abilitiesOf(s3).resumableUploads.upload": () => [
    "new",
    { sizeBytes: 3, open: () => chunks() },
    { onState: () => {} },
  ],
  "abilitiesOf(s3).resumableUploads.list": () => ["raw", {}],
  "abilitiesOf(s3).resumableUploads.abort": () => [{ key: KEY, uploadId: "u" }, {}],
  "abilitiesOf(s3).directAccess.access": () => [{}],
});
