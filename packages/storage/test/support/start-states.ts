import {
  createMemoryBackend,
  isStorageError,
  type Key,
  parseKey,
  partition,
  type Row,
  Storage,
  type StorageBackend,
} from "@parquetry/core";
import { joinKey } from "@parquetry/core/unstable";
import { encodeParquet } from "@parquetry/core/unstable/tables";
import { Actor } from "./actor.ts";

export const ENTITY = "raw/games";
export const PARTITION = partition({ year: 2024 });
export const FOLDER: Key = parseKey("raw/games/year=2024");

/** Rows that name their writer. */
export const rowsOf = (...writers: string[]): Row[] => writers.map((writer) => ({ writer }));

const bytesOf = (...writers: string[]): Promise<Uint8Array> =>
  encodeParquet(rowsOf(...writers), [{ name: "writer", type: "string" }]);
const text = (content: string): Uint8Array => new TextEncoder().encode(content);

/** A partition before the actors of the model, and the writers of its rows. */
export interface StartState {
  readonly rows: readonly string[];
  prepare(backend: StorageBackend): Promise<void>;
}

const put = async (backend: StorageBackend, name: string, bytes: Uint8Array): Promise<void> => {
  await backend.put(joinKey(FOLDER, name), bytes);
};

const manifestOf = async (backend: StorageBackend): Promise<Uint8Array> =>
  (await backend.get(joinKey(FOLDER, "_manifest.json"))).body.bytes();

/** Every kind of partition that a write can meet. */
export const START_STATES: Readonly<Record<string, StartState>> = {
  "a new partition": { rows: [], prepare: async () => {} },
  "a partition of ours": {
    rows: ["old", "old"],
    async prepare(backend) {
      const storage = new Storage(backend);
      await storage.write(ENTITY, rowsOf("old"), PARTITION);
      await storage.write(ENTITY, rowsOf("old"), PARTITION, { overwrite: false });
    },
  },
  "an emptied partition of ours": {
    rows: [],
    async prepare(backend) {
      await new Storage(backend).write(ENTITY, [], PARTITION);
    },
  },
  "a foreign one without manifest": {
    rows: ["old", "old"],
    async prepare(backend) {
      await put(backend, "data.parquet", await bytesOf("old"));
      await put(backend, "more.parquet", await bytesOf("old"));
    },
  },
  "a foreign one with a manifest that names no files": {
    rows: ["old", "old"],
    async prepare(backend) {
      await put(backend, "part-0.parquet", await bytesOf("old"));
      await put(backend, "part-1.parquet", await bytesOf("old"));
      await put(backend, "manifest.json", text('{"rows": 2}'));
    },
  },
  "one of ours with the old name of its manifest": {
    rows: ["old", "old"],
    async prepare(backend) {
      const storage = new Storage(backend);
      await storage.write(ENTITY, rowsOf("old"), PARTITION);
      await storage.write(ENTITY, rowsOf("old"), PARTITION, { overwrite: false });
      await put(backend, "manifest.json", await manifestOf(backend));
      await storage.delete([`${FOLDER}/_manifest.json`]);
    },
  },
  "one whose commit was killed before it removed the old manifest": {
    rows: ["old"],
    async prepare(backend) {
      await new Storage(backend).write(ENTITY, rowsOf("old"), PARTITION);
      await put(backend, "manifest.json", text('{"rows": 2}'));
    },
  },
  "a copy of ours that lost its manifest": {
    rows: ["old", "old"],
    async prepare(backend) {
      await put(backend, `part-${"a".repeat(32)}.parquet`, await bytesOf("old", "old"));
    },
  },
  "a first write that was killed before its manifest": {
    rows: ["old", "old"],
    async prepare(backend) {
      const writer = new Actor(backend, (stepwise) =>
        new Storage(stepwise).write(ENTITY, rowsOf("old", "old"), PARTITION),
      );
      while (await writer.step()) {
        for await (const { objects } of backend.list({ prefix: FOLDER })) if (objects.length > 0) return;
      }
    },
  },
  "one that a killed write committed and did not publish": {
    rows: ["old", "old"],
    async prepare(backend) {
      await new Storage(backend).write(ENTITY, rowsOf("older"), PARTITION);
      const writer = new Actor(backend, (stepwise) =>
        new Storage(stepwise).write(ENTITY, rowsOf("old", "old"), PARTITION),
      );
      while ((await readWriters(backend)).includes("older")) await writer.step();
    },
  },
  "one with files that killed writes left": {
    rows: ["old"],
    async prepare(backend) {
      await new Storage(backend).write(ENTITY, rowsOf("old"), PARTITION);
      await put(backend, `part-${"0".repeat(32)}.parquet`, await bytesOf("never committed"));
      await put(backend, `_part-${"1".repeat(32)}.pending`, await bytesOf("never committed"));
    },
  },
};

/** The kinds of stores: a directory renames files, a bucket does not. */
export const STORES: Readonly<Record<string, (memory: StorageBackend) => StorageBackend>> = {
  "that renames": (memory) => memory,
  "that does not rename": (memory) => ({ ...memory }),
};

/** A store in one of the start states. */
export async function storeIn(
  state: StartState,
  kind = (memory: StorageBackend): StorageBackend => memory,
): Promise<StorageBackend> {
  const memory = createMemoryBackend();
  await state.prepare(memory);
  return kind(memory);
}

/** Returns the sorted writers of the rows that an engine reads which knows no manifests: those of every file it does not ignore. */
export async function plainWriters(backend: StorageBackend): Promise<string[]> {
  const storage = new Storage(backend);
  const writers: string[] = [];
  for (const path of await storage.listFiles(FOLDER)) {
    if (!path.endsWith(".parquet") || path.includes("/_") || path.includes("/.")) continue;
    for (const row of await storage.readParquet(path)) writers.push(String(row["writer"]));
  }
  return writers.sort();
}

/** Returns the sorted writers of the rows that a reader sees; a missing entity has none. */
export async function readWriters(backend: StorageBackend): Promise<string[]> {
  try {
    const rows = await new Storage(backend).readIndex(ENTITY);
    return rows.map((row) => String(row["writer"])).sort();
  } catch (error) {
    if (isStorageError(error, "not_found") && error.message.includes("no entity")) return [];
    throw error;
  }
}
