import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseKey } from "../key.ts";
import { compareKeys } from "../key-order.ts";
import { createMemoryBackend } from "../memory-backend.ts";
import type { ListOptions, ListPage, StorageBackend } from "../storage-backend.ts";
import { StorageError } from "../storage-error.ts";
import { listedInRanges } from "./listed-in-ranges.ts";

interface Paged {
  readonly backend: StorageBackend;
  readonly counts: { requests: number; running: number; most: number };
  /** Changes between pages. */
  keys: readonly string[];
  refuses?: ((startAfter: string | undefined) => StorageError | undefined) | undefined;
}

/** A backend that lists keys in small pages, each after a turn of the event loop. */
function paged(keys: readonly string[], pageSize: number): Paged {
  const counts = { requests: 0, running: 0, most: 0 };
  async function* list({ prefix = "", delimiter, startAfter = "", signal }: ListOptions = {}) {
    const below = prefix === "" ? "" : `${prefix}/`;
    const error = made.refuses?.(startAfter === "" ? undefined : startAfter);
    for (let after = startAfter, more = true; more; ) {
      counts.requests++;
      counts.most = Math.max(counts.most, ++counts.running);
      await new Promise((resolve) => setImmediate(resolve));
      counts.running--;
      if (error !== undefined) throw error;
      if (signal?.aborted) throw new StorageError({ code: "aborted", op: "list", message: "aborted" });
      const names = new Set<string>();
      for (const key of made.keys) {
        const slash = delimiter === undefined ? -1 : key.indexOf("/", below.length);
        const name = slash < 0 ? key : key.slice(0, slash + 1);
        if (key.startsWith(below) && compareKeys(name, after) > 0) names.add(name);
      }
      const page = [...names].slice(0, pageSize);
      more = names.size > pageSize;
      after = page.at(-1) ?? after;
      const info = { sizeBytes: 1, etag: "e", lastModified: new Date(0) };
      yield {
        objects: page.filter((name) => !name.endsWith("/")).map((key) => ({ key: parseKey(key), ...info })),
        prefixes: page.filter((name) => name.endsWith("/")).map((name) => parseKey(name.slice(0, -1))),
      };
    }
  }
  const made: Paged = { backend: listedInRanges({ ...createMemoryBackend(), list }), counts, keys };
  return made;
}

const namesOf = ({ objects, prefixes }: ListPage): string[] =>
  [...objects.map(({ key }) => key), ...prefixes.map((prefix) => `${prefix}/`)].sort(compareKeys);

async function listAll({ backend }: Paged, options: ListOptions = {}): Promise<string[]> {
  const all: string[] = [];
  for await (const page of backend.list(options)) all.push(...namesOf(page));
  return all;
}

const flat = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `raw/part-${String(i).padStart(6, "0")}.parquet`);

const segment = fc.oneof(
  fc.integer({ min: 0, max: 3000 }).map(String),
  fc.integer({ min: 0, max: 30 }).map((week) => `week=${week}`),
  fc.integer({ min: 0, max: 0xffffffff }).map((hash) => hash.toString(16).padStart(8, "0")),
  fc.constantFrom("a", "Z", "_", "é", "日本", "\u{1F600}", "\u{FF5E}", "e\u0301", "a.b", "a b"),
);

describe("listedInRanges", () => {
  it("yields the same names in the same order as a listing page by page", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/")),
          { maxLength: 400 },
        ),
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom(undefined, "/" as const),
        fc.constantFrom("", "week=1", "a"),
        fc.option(segment, { nil: undefined }),
        async (keys, pageSize, delimiter, prefix, startAfter) => {
          const sorted = [...new Set(keys)].sort(compareKeys);
          const options: ListOptions = {
            ...{ delimiter, startAfter },
            prefix: prefix === "" ? "" : parseKey(prefix),
          };
          const plain = paged(sorted, 1_000_000);
          expect(await listAll(paged(sorted, pageSize), options)).toEqual(await listAll(plain, options));
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    ["numbers", flat(5000)],
    [
      "hashes",
      Array.from({ length: 5000 }, (_, i) => `x/${((i * 2654435761) >>> 0).toString(16).padStart(8, "0")}`),
    ],
    ["folders", Array.from({ length: 5000 }, (_, i) => `r/year=${2000 + (i % 20)}/week=${i % 15}/game-${i}`)],
  ])("lists %s by several requests at a time, with at most a fifth more of them", async (_, keys) => {
    const store = paged([...keys].sort(compareKeys), 10);
    expect(await listAll(store)).toEqual(store.keys);
    expect(store.counts.most).toBeGreaterThan(5);
    expect(store.counts.most).toBeLessThanOrEqual(24);
    expect(store.counts.requests).toBeLessThanOrEqual(600);
  });

  it("requests nothing ahead for a consumer that stops within two pages, and stops all requests for any other", async () => {
    for (const taken of [1, 2, 3, 60]) {
      const store = paged(flat(5000), 10);
      let pages = 0;
      for await (const _ of store.backend.list()) if (++pages === taken) break;
      const { requests } = store.counts;
      if (taken <= 2) expect(requests).toBe(taken);
      expect(store.counts.running).toBe(0);
      for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
      expect(store.counts.requests).toBe(requests);
    }
  });

  it("keeps a bounded number of pages for a slow consumer", async () => {
    const store = paged(flat(5000), 10);
    let taken = 0;
    for await (const _ of store.backend.list()) {
      if (++taken !== 40) continue;
      for (let i = 0; i < 300; i++) await new Promise((resolve) => setImmediate(resolve));
      expect(store.counts.requests).toBeLessThanOrEqual(taken + 128 + 24);
      expect(store.counts.requests).toBeGreaterThan(taken);
    }
  });

  it("throws an error once, after the names before it, and lists without cuts where the store refuses them", async () => {
    const failure = (retry: "never" | "safe"): StorageError =>
      new StorageError({ code: "unavailable", op: "list", retry, message: "no" });
    const store = paged(flat(3000), 10);
    // A cut is not a name.
    store.refuses = (after) =>
      after === undefined || store.keys.includes(after) ? undefined : failure("never");
    expect(await listAll(store)).toEqual(store.keys);
    store.refuses = (after) => (after === undefined ? undefined : failure("safe"));
    const seen: string[] = [];
    const use = async (): Promise<void> => {
      for await (const page of store.backend.list()) seen.push(...namesOf(page));
    };
    await expect(use()).rejects.toMatchObject({ code: "unavailable" });
    expect(seen).toEqual(store.keys.slice(0, seen.length));
    expect(seen.length).toBeGreaterThan(20);
    expect(store.counts.running).toBe(0);
  });

  it("heeds the caller's signal while it lists ahead", async () => {
    const store = paged(flat(5000), 10);
    const abort = new AbortController();
    let pages = 0;
    const use = async (): Promise<void> => {
      for await (const _ of store.backend.list({ signal: abort.signal })) if (++pages === 50) abort.abort();
    };
    await expect(use()).rejects.toMatchObject({ code: "aborted" });
    expect(pages).toBe(50);
    expect(store.counts.running).toBe(0);
  });

  it("yields a name that is there throughout exactly once while others come and go", async () => {
    const stable = flat(3000).filter((_, i) => i % 2 === 0);
    const changing = flat(3000).filter((_, i) => i % 2 === 1);
    const store = paged(stable, 10);
    const seen: string[] = [];
    let turn = 0;
    for await (const page of store.backend.list()) {
      seen.push(...namesOf(page));
      turn++;
      store.keys = [...stable, ...changing.filter((_, i) => (i * 7 + turn) % 3 === 0)].sort(compareKeys);
    }
    expect(seen).toEqual([...new Set(seen)].sort(compareKeys));
    const stableNames = new Set(stable);
    expect(seen.filter((name) => stableNames.has(name))).toEqual(stable);
  });
});
