import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createMemoryBackend, Partition, partition, Storage, type StorageBackend } from "../src/index.ts";
import { checkStorageOptions, NESTED_OPTIONS, STORAGE_OPTIONS } from "../src/table/storage-options.ts";

type Call = keyof typeof STORAGE_OPTIONS;

const ENTITY = "raw/games";
const place = partition({ year: 2024 });
const rows = [{ a: 1 }];

/** Casts a value that only plain JavaScript can pass. */
// biome-ignore lint/suspicious/noExplicitAny: standing in for callers without types is the point
const anything = (value: unknown): any => value;

async function drain(batches: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of batches);
}

/** Makes each call with the given options. */
const CALLS: { readonly [C in Call]: (storage: Storage, options: unknown) => Promise<unknown> } = {
  exists: (storage, options) => storage.exists("a", anything(options)),
  listFiles: (storage, options) => storage.listFiles("", anything(options)),
  listEntities: (storage, options) => storage.listEntities("", anything(options)),
  readParquet: (storage, options) => storage.readParquet("a.parquet", anything(options)),
  scanParquet: (storage, options) => drain(storage.scanParquet("a.parquet", anything(options))),
  writeParquet: (storage, options) => storage.writeParquet("a.parquet", rows, anything(options)),
  readCsv: (storage, options) => storage.readCsv("a.csv", anything(options)),
  scanCsv: (storage, options) => drain(storage.scanCsv("a.csv", anything(options))),
  writeCsv: (storage, options) => storage.writeCsv("a.csv", rows, anything(options)),
  readIndex: (storage, options) => storage.readIndex(ENTITY, {}, anything(options)),
  scan: (storage, options) => drain(storage.scan(ENTITY, {}, anything(options))),
  write: (storage, options) => storage.write(ENTITY, rows, place, anything(options)),
  writePartitions: (storage, options) =>
    storage.writePartitions(ENTITY, rows, anything({ by: ["a"], ...anything(options) })),
  replacePartitions: (storage, options) =>
    storage.replacePartitions(ENTITY, [{ partition: place, rows }], anything(options)),
  repair: (storage, options) => storage.repair(ENTITY, anything(options)),
  inspect: (storage, options) => storage.inspect(ENTITY, anything(options)),
  delete: (storage, options) => storage.delete(["a"], anything(options)),
};

interface Values {
  readonly right: readonly unknown[];
  readonly wrong: readonly unknown[];
}

const boolean: Values = { right: [true, false], wrong: ["false", "no", 0, 1, null, {}] };
const strings: Values = { right: [["a"], []], wrong: ["a", [5], [null], {}, new Set(["a"]), null] };
const limit: Values = { right: [1, 1000], wrong: ["1", -1, Number.NaN, Number.POSITIVE_INFINITY, null, 1n] };
const called: Values = { right: [() => {}], wrong: ["log", true, {}, null] };
const escaped: Values = { right: ['"', "\\"], wrong: ["", "/", "\\\\", true, null] };
const nested: readonly unknown[] = ["x", 5, [], new Map(), new Date(0), null, () => ({})];

/** Values of each option, by its name. */
const VALUES: Readonly<Record<string, Values>> = {
  signal: { right: [AbortSignal.abort()], wrong: [new AbortController(), {}, true, null] },
  columns: strings,
  by: strings,
  untrusted: { right: [true, false, {}], wrong: nested },
  "untrusted.timeoutMs": limit,
  "untrusted.memoryMiB": limit,
  "untrusted.maxValues": limit,
  "untrusted.maxBytes": limit,
  limits: { right: [{}], wrong: [true, ...nested] },
  "limits.maxValues": limit,
  "limits.maxDecodedBytes": limit,
  "limits.maxPageValues": limit,
  "limits.maxPageBytes": limit,
  "limits.maxColumns": limit,
  "limits.maxFooterBytes": limit,
  "limits.maxDecimalDigits": limit,
  schema: { right: [[{ name: "a", type: "int64" }]], wrong: ["int64", {}, new Set(), null, 5] },
  keyTypes: {
    right: [{}, { year: "integer", team: "string" }],
    wrong: [{ year: "number" }, { year: Number }, ["year"], new Map(), "integer", null],
  },
  rowSchema: {
    right: [z.object({})],
    wrong: [{}, "x", null, () => ({}), { parse: () => ({}) }, { "~standard": {} }],
  },
  csv: { right: [{}], wrong: nested },
  "csv.encoding": { right: ["utf-8", "latin1", "windows-1252"], wrong: ["utf8", "UTF-8", 5, null] },
  "csv.nullValues": strings,
  "csv.delimiter": { right: [";", "||"], wrong: ["", '"', "\n", ",\r", 5, null, [","]] },
  "csv.escape": escaped,
  "csv.inferTypes": boolean,
  "csv.columns": strings,
  encoding: { right: ["utf-8", "latin1"], wrong: ["utf-16", 5, null] },
  nullValues: strings,
  delimiter: { right: ["\t"], wrong: ["", '"', "\n", ",\r", 5, null, [","]] },
  escape: escaped,
  inferTypes: boolean,
  escapeFormulas: boolean,
  onUnreadableFolder: { right: [() => {}], wrong: [true, "warn", null] },
  onUnreadable: { right: ["throw", "skip"], wrong: ["ignore", true, null] },
  onSkippedFile: called,
  onPartition: called,
  overwrite: boolean,
  onConflict: { right: ["throw", "retry"], wrong: ["retyr", true, null] },
  onLeftover: called,
  allowOtherKeys: boolean,
  allowOtherTypes: boolean,
  concurrency: { right: [1, 64], wrong: [0, -1, 1.5, "8", Number.NaN, null] },
  onProgress: called,
  dryRun: boolean,
};

const set = (option: string, value: unknown): object => {
  const [name = "", inner] = option.split(".");
  return { [name]: inner === undefined ? value : { [inner]: value } };
};

const OPTIONS = (Object.keys(STORAGE_OPTIONS) as Call[]).flatMap((call) =>
  Object.keys(STORAGE_OPTIONS[call])
    .flatMap((option) => [
      option,
      ...Object.keys(NESTED_OPTIONS[option] ?? {}).map((inner) => `${option}.${inner}`),
    ])
    .map((option) => [call, option] as const),
);

/** A store that records every request. */
function untouched(): { readonly storage: Storage; readonly requests: string[] } {
  const requests: string[] = [];
  const backend = new Proxy(createMemoryBackend(), {
    get(target, name: keyof StorageBackend) {
      if (typeof target[name] === "function" && name !== "url") requests.push(name);
      return target[name];
    },
  });
  const storage = new Storage(backend);
  requests.length = 0;
  return { storage, requests };
}

describe("options of Storage", () => {
  it("have kinds for every method", () => {
    const withoutOptions = ["constructor", "root", "fullPath", "close"];
    const methods = Object.getOwnPropertyNames(Storage.prototype).filter(
      (name) => !withoutOptions.includes(name),
    );
    expect(Object.keys(STORAGE_OPTIONS).sort()).toEqual(methods.sort());
  });

  it.each(OPTIONS)("%s accepts %s of the right kind", (call, option) => {
    for (const value of VALUES[option]?.right ?? [])
      expect(() => checkStorageOptions(call, anything(set(option, value)))).not.toThrow();
    expect(() => checkStorageOptions(call, anything(set(option, undefined)))).not.toThrow();
  });

  it.each(OPTIONS)(
    "%s refuses %s of the wrong kind with invalid_argument and sends no request",
    async (call, option) => {
      const wrong = VALUES[option]?.wrong ?? [];
      expect(wrong.length, `VALUES has no row for ${option}`).toBeGreaterThan(0);
      for (const value of wrong) {
        const { storage, requests } = untouched();
        await expect(CALLS[call](storage, set(option, value))).rejects.toMatchObject({
          code: "invalid_argument",
          message: expect.stringContaining(`${call}: ${option} must be `),
        });
        expect(requests).toEqual([]);
      }
    },
  );

  it("refuses filters that are not a plain object, since they would match every row", async () => {
    const { storage, requests } = untouched();
    const filters = [
      new Map([["year", "2024"]]),
      new Set(),
      new Date(0),
      new URLSearchParams("year=2024"),
      [],
      place,
      Promise.resolve({ year: "2024" }),
      () => ({ year: "2024" }),
      Object.create({ year: "2024" }),
      z.object({ year: z.string() }),
      new (class Filters {
        year = "2024";
      })(),
      "year=2024",
      null,
      5,
    ];
    for (const given of filters) {
      for (const read of [
        storage.readIndex(ENTITY, anything(given)),
        drain(storage.scan(ENTITY, anything(given))),
      ])
        await expect(read).rejects.toMatchObject({
          code: "invalid_argument",
          message: expect.stringContaining("filters must be a plain object such as { year:"),
        });
    }
    expect(requests).toEqual([]);
  });

  it("refuses filters whose values are not those of a partition", async () => {
    const { storage, requests } = untouched();
    const values = [
      new Set(["2024"]),
      new Date(0),
      new Map(),
      { gt: 1 },
      undefined,
      () => "2024",
      [["2024"]],
      Promise.resolve(1),
    ];
    for (const year of values) {
      await expect(storage.readIndex(ENTITY, anything({ year }))).rejects.toMatchObject({
        code: "invalid_argument",
        message: expect.stringContaining("the filter year is "),
      });
    }
    expect(requests).toEqual([]);
  });

  it("refuses rows whose content is not in properties, since they would be stored as nulls", async () => {
    const storage = new Storage(createMemoryBackend());
    for (const row of [
      new Map([["a", 1]]),
      new Set([1]),
      new Date(0),
      new URLSearchParams("a=1"),
      Promise.resolve({ a: 1 }),
    ]) {
      const given = anything([{ a: 1 }, row]);
      for (const write of [
        storage.write(ENTITY, given, place),
        storage.writePartitions(ENTITY, given, { by: ["a"] }),
        storage.writeParquet("a.parquet", given),
        storage.writeCsv("a.csv", given),
        storage.replacePartitions(ENTITY, [{ partition: place, rows: given }]),
      ])
        await expect(write).rejects.toMatchObject({
          code: "invalid_argument",
          message: expect.stringContaining("row 1 must be an object of columns"),
        });
    }
    expect(await storage.listFiles()).toEqual([]);
  });

  it.each([
    new Map([["year", 2024]]),
    new URLSearchParams("year=2024"),
    new Date(0),
    new Set(["a"]),
    "year=2024",
    5,
  ])("partition refuses %o, whose keys it would overlook", (values) => {
    expect(() => partition(anything(values))).toThrow(expect.objectContaining({ code: "invalid_path" }));
  });

  it.each([5, null, "ab", [5], ["ab"], {}])("Partition.of refuses %o", (entries) => {
    expect(() => Partition.of(anything(entries))).toThrow(expect.objectContaining({ code: "invalid_path" }));
    expect(() => Partition.parse(anything(entries === "ab" ? undefined : entries))).toThrow(
      expect.objectContaining({ code: "invalid_path" }),
    );
  });
});
