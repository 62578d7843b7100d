import { createMemoryBackend, parseKey, Storage, type StorageBackend } from "@parquetry/core";
import { openQuery, type QueryDatabase } from "@parquetry/query";
import { type StartUiOptions, startUi, type Ui } from "../src/index.ts";
import { unpackPartitions } from "../src/map/packed-partitions.ts";
import type { PartitionTable } from "../src/map/partitions.ts";

/** A page that is served over a storage in memory. */
export interface World extends AsyncDisposable {
  readonly storage: Storage;
  readonly database: QueryDatabase;
  readonly ui: Ui;
  /** The address without the token. */
  readonly origin: string;
  /** The header that a browser sends after it has opened the page. */
  readonly cookie: string;
}

type ServeOptions = Omit<StartUiOptions, "storage" | "database"> & { readonly backend?: StorageBackend };

/** Serves a storage that `fill` has written to. */
export async function serve(
  fill: (storage: Storage) => Promise<void> = async () => {},
  { backend = createMemoryBackend(), ...options }: ServeOptions = {},
): Promise<World> {
  const storage = new Storage(backend);
  await fill(storage);
  const database = await openQuery(storage, { threads: 1 });
  const ui = await startUi({ storage, database, ...options });
  let isClosed = false;
  const { origin } = new URL(ui.url);
  const answer = await fetch(ui.url);
  const cookie = (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  return {
    storage,
    database,
    ui,
    origin,
    cookie,
    async [Symbol.asyncDispose]() {
      if (isClosed) return;
      isClosed = true;
      await ui.close();
      await database.close();
      await storage.close();
    },
  };
}

/** Writes files whose names say that they are data: for what only lists. */
export async function putNames(storage: Storage, keys: Iterable<string>): Promise<void> {
  for (const key of keys) await storage.backend.put(parseKey(key), new Uint8Array(key.length));
}

/** Asks the API as the page does, until the answer satisfies. */
export async function until<T>(world: World, path: string, isEnough: (answer: T) => boolean): Promise<T> {
  for (let i = 0; i < 600; i++) {
    const response = await fetch(`${world.origin}${path}`, { headers: { cookie: world.cookie } });
    // The server answers with the type that the caller names.
    const answer = (await response.json()) as T;
    if (isEnough(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${path} did not become what was expected`);
}

/** Asks for the partitions of a table, as the page does. */
export async function partitionsOf<Table extends PartitionTable<string>>(
  world: World,
  path: string,
): Promise<Table> {
  const response = await fetch(`${world.origin}${path}`, { headers: { cookie: world.cookie } });
  // The server answers with the table that the caller names.
  return unpackPartitions(await response.arrayBuffer()) as PartitionTable<string> as Table;
}

/** The end of a query. */
export interface Ended {
  readonly id: string;
  readonly rows: number;
  readonly error?: string;
  readonly state: string;
}

/** Runs a query to its end. */
export async function run(world: World, sql: string): Promise<Ended> {
  const headers = { cookie: world.cookie, "content-type": "application/json" };
  const init = { method: "POST", headers, body: JSON.stringify({ sql }) };
  const answer = await fetch(`${world.origin}/api/queries`, init);
  const { id } = (await answer.json()) as Ended;
  return until<Ended>(world, `/api/queries/${id}`, ({ state }) => state !== "running");
}
