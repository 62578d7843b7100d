import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import { createMemoryBackend, parseKey, partition, type Row, Storage } from "@parquetry/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { longestHold, MOST_MS } from "../../../test/support/longest-hold.ts";

const PARTITIONS = 1500;
const ROWS = 100_000;
/** How long after the signal a call may go on, in milliseconds: some 100 on a quiet machine. */
const HEEDED_MS = 500;
/** The longest time of a call that may end before a signal that fires 10 ms after its start, in milliseconds. */
const BRIEF_MS = 50;

type Call = (storage: Storage, signal: AbortSignal | undefined) => Promise<unknown>;

const consume = async (rows: AsyncIterable<Row[]>): Promise<void> => {
  for await (const _ of rows);
};

/** Calls that take long over many small partitions. */
const OVER_MANY: Readonly<Record<string, Call>> = {
  readIndex: (storage, signal) => storage.readIndex("many", {}, { signal }),
  "readIndex with a filter": (storage, signal) =>
    storage.readIndex("many", { n: Array.from({ length: PARTITIONS }, (_, n) => n) }, { signal }),
  scan: (storage, signal) => consume(storage.scan("many", {}, { signal })),
  inspect: (storage, signal) => storage.inspect("many", { signal }),
  listFiles: (storage, signal) => storage.listFiles("", { signal }),
  listEntities: (storage, signal) => storage.listEntities("wide", { signal }),
  "repair as a dry run": (storage, signal) => storage.repair("many", { dryRun: true, signal }),
};

/** Calls that take long over one large file. */
const OVER_LARGE: Readonly<Record<string, Call>> = {
  readIndex: (storage, signal) => storage.readIndex("large", {}, { signal }),
  scan: (storage, signal) => consume(storage.scan("large", {}, { signal })),
  "readIndex with a rowSchema": (storage, signal) =>
    storage.readIndex("large", {}, { signal, rowSchema: z.object({ id: z.number(), text: z.string() }) }),
  "readIndex of ragged columns": (storage, signal) => storage.readIndex("ragged", {}, { signal }),
};

const MANY_ROWS = Array.from({ length: ROWS }, (_, id) => ({
  id,
  text: `text ${id % 999}`,
  half: id / 2,
  n: id % 100,
}));

/** Writes that take long. Each replaces the rows of the one before it. */
const WRITES: Readonly<Record<string, Call>> = {
  write: (storage, signal) => storage.write("written", MANY_ROWS, partition({ m: 0 }), { signal }),
  "write with a schema": (storage, signal) =>
    storage.write(
      "written-so",
      MANY_ROWS.map(({ id, half }) => ({ id, half })),
      partition({ m: 0 }),
      {
        signal,
        schema: [
          { name: "id", type: "int64" },
          { name: "half", type: "double" },
        ],
      },
    ),
  writePartitions: (storage, signal) => storage.writePartitions("parts", MANY_ROWS, { by: ["n"], signal }),
  writeParquet: (storage, signal) => storage.writeParquet("written.parquet", MANY_ROWS, { signal }),
};

const CALLS: Readonly<Record<string, Call>> = {
  ...named("many rows", WRITES),
  ...named("many partitions", OVER_MANY),
  ...named("a large file", OVER_LARGE),
};

function named(of: string, calls: Readonly<Record<string, Call>>): Record<string, Call> {
  return Object.fromEntries(Object.entries(calls).map(([name, call]) => [`${name}, ${of}`, call]));
}

async function fill(storage: Storage): Promise<void> {
  const rows = Array.from({ length: ROWS }, (_, id) => ({ id, text: `text ${id % 999}`, half: id / 2 }));
  await storage.write("large", rows, partition({ n: 0 }));
  await storage.write("ragged", rows.slice(0, ROWS / 2), partition({ n: 0 }));
  await storage.write("ragged", [{ id: 1, other: 1 }], partition({ n: 1 }));
  await storage.write("many", [{ id: 1, text: "a" }], partition({ n: 0 }));
}

/**
 * Expects that a call rejects once the signal fires. Returns how long the call went on, at most the processor time of this process:
 * others delay it, too. A call that is over within {@link BRIEF_MS} may have looked at the signal for the last time before it fired;
 * then it fires earlier.
 */
async function goesOnFor(
  call: (signal: AbortSignal) => Promise<unknown>,
  fireAfterMs: 10 | 1 = 10,
): Promise<number> {
  const controller = new AbortController();
  let firedAt = Number.NaN;
  let usedBefore = process.cpuUsage();
  const startedAt = performance.now();
  const timer = setTimeout(() => {
    firedAt = performance.now();
    usedBefore = process.cpuUsage();
    controller.abort();
  }, fireAfterMs);
  const failure = await call(controller.signal).then(
    () => undefined,
    (error: unknown) => error,
  );
  clearTimeout(timer);
  if (failure === undefined && fireAfterMs === 10 && performance.now() - startedAt < BRIEF_MS)
    return goesOnFor(call, 1);
  expect(failure).toMatchObject({ code: "aborted" });
  const { user, system } = process.cpuUsage(usedBefore);
  return Math.min(performance.now() - firedAt, (user + system) / 1000);
}

describe.each(["local", "memory"] as const)("on a backend that answers at once (%s)", (kind) => {
  let root = "";
  let storage: Storage;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "parquetry-event-loop-"));
    const backend = kind === "local" ? await createLocalBackend({ root }) : createMemoryBackend();
    storage = new Storage(backend);
    await fill(storage);
    const files = await storage.listFiles("many/n=0");
    for (let n = 1; n < PARTITIONS; n++) {
      for (const file of files) {
        const copy = file.replace("n=0", `n=${n}`);
        if (kind === "memory") await backend.copy(parseKey(file), parseKey(copy));
        else {
          mkdirSync(join(root, `many/n=${n}`), { recursive: true });
          copyFileSync(join(root, file), join(root, copy));
        }
      }
      if (kind === "memory") await backend.put(parseKey(`wide/e${n}/a.csv`), Buffer.from("a\n1\n"));
      else {
        mkdirSync(join(root, `wide/e${n}`), { recursive: true });
        writeFileSync(join(root, `wide/e${n}/a.csv`), "a\n1\n");
      }
    }
  }, 120_000);
  afterAll(async () => {
    await storage.close();
    await rm(root, { recursive: true, force: true });
  });

  it.each(Object.entries(CALLS))(
    "lets other work run: %s",
    async (_, call) => {
      expect(await longestHold(() => call(storage, undefined))).toBeLessThan(MOST_MS);
    },
    180_000,
  );

  // A listing of this tree may have ended before the signal fires.
  it.each(Object.entries(CALLS).filter(([name]) => !name.startsWith("list")))(
    "ends soon after the signal has fired: %s",
    async (_, call) => {
      const before = kind === "local" ? readdirSync(root, { recursive: true }).length : 0;
      expect(await goesOnFor((signal) => call(storage, signal))).toBeLessThan(HEEDED_MS);
      if (kind === "local") expect(readdirSync(root, { recursive: true }).length).toBe(before);
    },
    180_000,
  );
});
