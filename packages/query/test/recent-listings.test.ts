import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createMemoryBackend,
  parseKey,
  partition,
  type Row,
  Storage,
  type StorageBackend,
  StorageError,
} from "@parquetry/core";
import type { ListOptions, ListPage } from "@parquetry/core/backend";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type OpenQueryOptions, openQuery, type QueryDatabase, type QueryProgress } from "../src/index.ts";
import { RecentListings } from "../src/tables/recent-listings.ts";

const SQL =
  "SELECT week, sum(yards)::INTEGER AS yards FROM plays WHERE year = 2024 GROUP BY week ORDER BY week";
const PLAYS = parseKey("raw/plays");
let root: string;
let caches = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-recent-"));
});

afterAll(() => rm(root, { recursive: true, force: true }));

const refused = (): StorageError =>
  new StorageError({ code: "permission_denied", op: "list", path: PLAYS, message: "list: refused" });

/** A store whose listings wait for the gate, after which `beforePage` runs. */
class GatedStore {
  readonly backend: StorageBackend;
  readonly storage: Storage;
  /** Listings since it was last set to 0. */
  lists = 0;
  gate: Promise<void> = Promise.resolve();
  beforePage: (() => void) | undefined;

  constructor() {
    const inner = createMemoryBackend();
    const list = async function* (this: GatedStore, options?: ListOptions): AsyncGenerator<ListPage> {
      this.lists++;
      await this.gate;
      this.beforePage?.();
      yield* inner.list(options);
    }.bind(this);
    this.backend = { ...inner, list };
    this.storage = new Storage(inner);
  }

  async write(week: number, yards: number): Promise<void> {
    await this.storage.write(PLAYS, [{ yards }], partition({ year: 2024, week }), { overwrite: true });
  }

  /** A database that has run {@link SQL} once. */
  async open(options: OpenQueryOptions = {}): Promise<QueryDatabase> {
    const cacheDirectory = join(root, `cache-${++caches}`);
    const db = await openQuery(new Storage(this.backend), { cacheDirectory, ...options });
    await db.sql(SQL);
    this.lists = 0;
    return db;
  }

  /** Asks; the store lists nothing until DuckDB runs the query. */
  async askBehindGate(db: QueryDatabase, sql = SQL): Promise<{ rows: readonly Row[]; phases: string[] }> {
    const phases: QueryProgress["phase"][] = [];
    let open = (): void => {};
    this.gate = new Promise((resolve) => {
      open = resolve;
    });
    const onProgress = ({ phase }: QueryProgress): void => {
      phases.push(phase);
      if (phase === "running") open();
    };
    const { rows } = await db.sql(sql, [], { onProgress }).finally(open);
    return { rows, phases };
  }
}

async function storeOf(weeks: readonly [week: number, yards: number][]): Promise<GatedStore> {
  const store = new GatedStore();
  for (const [week, yards] of weeks) await store.write(week, yards);
  return store;
}

const runs = (phases: readonly string[]): number => phases.filter((phase) => phase === "running").length;

it("runs a query while the store lists again, and lists each folder once", async () => {
  const store = await storeOf([[1, 10]]);
  await using db = await store.open();
  const { rows, phases } = await store.askBehindGate(db);
  expect(rows).toEqual([{ week: 1, yards: 10 }]);
  expect(runs(phases)).toBe(1);
  const { stats } = await db.sql(SQL);
  expect(stats.listRequests).toBeGreaterThan(0);
  expect(store.lists).toBe(stats.listRequests * 2);
});

it("runs again where the store has changed since the last query", async () => {
  const store = await storeOf([[1, 10]]);
  await using db = await store.open();
  await store.write(2, 20);
  const added = await store.askBehindGate(db);
  expect(added.rows).toEqual([
    { week: 1, yards: 10 },
    { week: 2, yards: 20 },
  ]);
  expect(runs(added.phases)).toBe(2);
});

it("reads the new version of a partition whose old files are still cached", async () => {
  const store = await storeOf([[1, 10]]);
  await using db = await store.open();
  await store.write(1, 11);
  expect((await store.askBehindGate(db)).rows).toEqual([{ week: 1, yards: 11 }]);
});

it("reads what is left where the files of the last query are deleted", async () => {
  const store = await storeOf([
    [1, 10],
    [2, 20],
  ]);
  await using db = await store.open();
  await rm(join(root, `cache-${caches}`), { recursive: true });
  for await (const { objects } of store.backend.list({ prefix: parseKey("raw/plays/year=2024/week=1") })) {
    for await (const { error } of store.backend.delete(objects.map(({ key }) => key)))
      expect(error).toBeUndefined();
  }
  expect((await db.sql(SQL)).rows).toEqual([{ week: 2, yards: 20 }]);
});

it("lists before it runs where the last query found changes", async () => {
  const store = await storeOf([[1, 10]]);
  await using db = await store.open();
  await store.write(1, 11);
  expect((await db.sql(SQL)).rows).toEqual([{ week: 1, yards: 11 }]);
  const phases: string[] = [];
  await store.write(1, 12);
  const { rows } = await db.sql(SQL, [], { onProgress: ({ phase }) => void phases.push(phase) });
  expect(rows).toEqual([{ week: 1, yards: 12 }]);
  expect(runs(phases)).toBe(1);
});

it("fails with the error of the listing, although the query has run", async () => {
  const store = await storeOf([[1, 10]]);
  await using db = await store.open();
  store.beforePage = () => {
    throw refused();
  };
  await expect(store.askBehindGate(db)).rejects.toThrow("list: refused");
  store.beforePage = undefined;
  expect((await db.sql(SQL)).rows).toEqual([{ week: 1, yards: 10 }]);
});

it("interrupts a long query whose listing has failed", async () => {
  const store = await storeOf([[1, 10]]);
  await using db = await store.open();
  store.beforePage = () => {
    throw refused();
  };
  const endless = "SELECT sum(i + yards) AS n FROM plays, range(1_000_000_000_000) t(i) WHERE year = 2024";
  await expect(store.askBehindGate(db, endless)).rejects.toThrow("list: refused");
});

it("tells a listing with an unreadable folder from one of the same names", () => {
  const [first, last] = [parseKey("raw/plays/year=2024"), parseKey("raw/plays/year=2025")];
  const before = { pages: [{ objects: [], prefixes: [first, last] }], unreadable: [] };
  // As a directory lists a folder that lacks the permission.
  const unreadable = [{ path: last, error: refused() }];
  const after = { pages: [{ objects: [], prefixes: [first] }], unreadable };
  const recent = new RecentListings();
  recent.update("plays", before, undefined);
  expect(recent.update("plays", after, before)).toBe(false);
});

it("interrupts a long query over files that have changed", async () => {
  const store = await storeOf([[1, 10]]);
  await using db = await store.open();
  await store.write(1, 11);
  const LONG = `SELECT sum(i)::INTEGER AS n FROM plays,
    generate_series(1, CASE WHEN yards = 10 THEN 1_000_000_000_000 ELSE 3 END) t(i) WHERE year = 2024`;
  const { rows, phases } = await store.askBehindGate(db, LONG);
  expect(rows).toEqual([{ n: 6 }]);
  expect(runs(phases)).toBe(2);
});

it("stops at the caller's signal while the store lists", async () => {
  const store = await storeOf([[1, 10]]);
  await using db = await store.open();
  const caller = new AbortController();
  store.gate = new Promise(() => {});
  const onProgress = ({ phase }: QueryProgress): void => {
    if (phase === "running") caller.abort();
  };
  await expect(db.sql(SQL, [], { signal: caller.signal, onProgress })).rejects.toThrow(
    expect.objectContaining({ code: "aborted" }),
  );
  store.gate = Promise.resolve();
  expect((await db.sql(SQL)).rows).toEqual([{ week: 1, yards: 10 }]);
});

it.each([true, false])(
  "ends if the database is closed while the store lists: isolate %s",
  async (isolate) => {
    const store = await storeOf([[1, 10]]);
    const db = await store.open({ isolate });
    let open = (): void => {};
    store.gate = new Promise((resolve) => {
      open = resolve;
    });
    let closing: Promise<void> | undefined;
    const onProgress = ({ phase }: QueryProgress): void => {
      if (phase !== "running") return;
      closing = db.close();
      open();
    };
    // It may be done before the database is closed.
    const outcome: unknown = await db.sql(SQL, [], { onProgress }).then(
      ({ rows }) => rows,
      (error: unknown) => error instanceof StorageError || error,
    );
    expect([true, [{ week: 1, yards: 10 }]]).toContainEqual(outcome);
    await closing;
    await expect(db.sql(SQL)).rejects.toThrow(/closed/);
  },
);

it("returns at least what was committed before it began, next to a writer", async () => {
  const store = await storeOf([
    [1, 0],
    [2, 0],
  ]);
  await using db = await store.open();
  let committed = 0;
  const writing = (async () => {
    for (let version = 1; version <= 12; version++) {
      await store.write(1, version);
      committed = version;
    }
  })();
  while (committed < 12) {
    const least = committed;
    for (const { rows } of await Promise.all([db.sql(SQL), db.sql(SQL)])) {
      expect(rows[1]).toEqual({ week: 2, yards: 0 });
      expect(Number(rows[0]?.["yards"])).toBeGreaterThanOrEqual(least);
    }
  }
  await writing;
  expect((await db.sql(SQL)).rows[0]).toEqual({ week: 1, yards: 12 });
});
