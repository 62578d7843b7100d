import { isStorageError, Storage, type StorageBackend } from "@parquetry/core";
import { joinKey } from "@parquetry/core/unstable";
import { parseManifest } from "@parquetry/core/unstable/tables";
import { describe, expect, it } from "vitest";
import { everyAbort, everyRace, everyReading, everyStop } from "./support/schedules.ts";
import {
  ENTITY,
  FOLDER,
  PARTITION,
  plainWriters,
  readWriters,
  rowsOf,
  START_STATES,
  STORES,
  storeIn,
} from "./support/start-states.ts";

/** Passed so that no writer reads other partitions first, which is not part of the protocol. */
const SCHEMA = [{ name: "writer", type: "string" }] as const;

/** The write that an actor is about to make. */
interface Intent {
  readonly rows: readonly string[];
  readonly overwrite: boolean;
}

const MODES: Readonly<Record<string, Omit<Intent, "rows"> & { readonly count: number }>> = {
  overwrite: { overwrite: true, count: 2 },
  append: { overwrite: false, count: 2 },
  "overwrite with nothing": { overwrite: true, count: 0 },
};

function intent(name: string, mode: keyof typeof MODES & string): Intent {
  const { overwrite, count } = MODES[mode] ?? { overwrite: true, count: 2 };
  return { overwrite, rows: new Array<string>(count).fill(name) };
}

const writing =
  ({ rows, overwrite }: Intent) =>
  (backend: StorageBackend, signal?: AbortSignal): Promise<number> =>
    new Storage(backend).write(ENTITY, rowsOf(...rows), PARTITION, { overwrite, schema: SCHEMA, signal });

/** The rows after consecutive writes, as one string. */
function after(before: readonly string[], ...intents: readonly Intent[]): string {
  let rows = [...before];
  for (const { overwrite, rows: added } of intents) rows = overwrite ? [...added] : [...rows, ...added];
  return rows.sort().join(" ");
}

const CASES = Object.keys(STORES).flatMap((store) =>
  Object.entries(START_STATES).map(([name, state]) => [store, name, state] as const),
);

describe.each(CASES)("the commit protocol in a store %s, on %s:", (store, _, state) => {
  const open = (): Promise<StorageBackend> => storeIn(state, STORES[store]);

  it.each(Object.keys(MODES))(
    "%s: a reader sees all old rows or all new rows, wherever the writer is or was killed",
    async (mode) => {
      const write = intent("new", mode);
      const allowed = [after(state.rows), after(state.rows, write)];
      const seen = new Set<string>();
      const stops = new Set<number>();
      for await (const { read, writerSteps, backend } of everyReading(open, writing(write), readWriters)) {
        seen.add(read.join(" "));
        expect(allowed, `the writer stopped after step ${writerSteps}`).toContain(read.join(" "));
        if (stops.has(writerSteps)) continue;
        stops.add(writerSteps);
        // Whatever the writer left behind, the next write succeeds, and neither duplicates nor loses rows.
        const left = await readWriters(backend);
        expect(allowed).toContain(left.join(" "));
        const next = { rows: ["next"], overwrite: writerSteps % 2 === 0 };
        await writing(next)(backend);
        expect((await readWriters(backend)).join(" ")).toBe(after(left, next));
        await expectTidy(backend);
      }
      expect(seen).toEqual(new Set(allowed));
      // The writer was stopped after each of its steps: reading, at least one put, and any deletes.
      expect(stops.size).toBeGreaterThan(2);
      expect(Math.max(...stops)).toBe(stops.size - 1);
    },
  );

  it.each(
    Object.keys(MODES).flatMap(
      (mode) =>
        [
          [mode, "aborted"],
          [mode, "late"],
        ] as const,
    ),
  )(
    "%s: a write that is %s at a put leaves all old rows or all new rows, whether or not the store carries out the put",
    async (mode, how) => {
      const write = intent("new", mode);
      const allowed = [after(state.rows), after(state.rows, write)];
      const reason = how === "late" ? new DOMException("late", "TimeoutError") : undefined;
      let aborts = 0;
      for await (const { backend, put, stored } of everyAbort(open, writing(write), reason)) {
        aborts++;
        const left = await readWriters(backend);
        expect(allowed, `put ${put}, stored ${stored}`).toContain(left.join(" "));
        const next = { rows: ["next"], overwrite: aborts % 2 === 0 };
        await writing(next)(backend);
        expect((await readWriters(backend)).join(" ")).toBe(after(left, next));
        await expectTidy(backend);
      }
      expect(aborts).toBeGreaterThan(0);
    },
  );

  it.each(Object.keys(MODES))(
    "%s: an engine that knows no manifests reads all old rows until the commit, and never a part of the new ones",
    async (mode) => {
      const write = intent("new", mode);
      const before = (await plainWriters(await open())).join(" ");
      const added = write.rows.join(" ");
      const replaced = after(state.rows, write);
      // Old files that no read returns are deleted together with those that are replaced.
      const isTidy = before === [...state.rows].sort().join(" ");
      let mixed = 0;
      for await (const { backend, isDone } of everyStop(open, writing(write))) {
        const plain = (await plainWriters(backend)).join(" ");
        const isCommitted =
          (await readWriters(backend)).join(" ") === replaced && replaced !== after(state.rows);
        const news = plain.split(" ").filter((writer) => writer === "new");
        expect(["", added], "no new rows, or all of them").toContain(news.join(" "));
        if (news.length === 0 && added !== "")
          expect(
            before.split(" ").filter((row) => !plain.includes(row)),
            "no old rows are missing",
          ).toEqual([]);
        if (store === "that renames" && !isCommitted) expect(plain, "no uncommitted rows").toBe(before);
        if (isDone) expect(plain).toBe(replaced);
        else if (plain !== before && plain !== replaced) mixed++;
      }
      if (store === "that renames" && isTidy && !write.overwrite) expect(mixed).toBe(0);
    },
  );

  it.each([
    ["overwrite", "overwrite"],
    ["overwrite", "append"],
    ["append", "append"],
    ["overwrite with nothing", "append"],
  ])(
    "%s against %s: one commits whole, the other commits too or gets a conflict, in every order of their steps",
    async (one, two) => {
      const [a, b] = [intent("a", one), intent("b", two)];
      let conflicts = 0;
      for await (const { outcomes, order, backend } of everyRace(open, writing(a), writing(b))) {
        const [wonA, wonB] = outcomes.map((outcome) => {
          if (outcome === undefined) throw new Error(`${order}: a writer is not done`);
          if ("value" in outcome) return true;
          if (!isStorageError(outcome.error, "conflict")) throw outcome.error;
          conflicts++;
          return false;
        });
        const allowed =
          wonA && wonB
            ? [after(state.rows, a, b), after(state.rows, b, a)]
            : [after(state.rows, ...(wonA ? [a] : []), ...(wonB ? [b] : []))];
        expect(wonA || wonB, order).toBe(true);
        expect(allowed, order).toContain((await readWriters(backend)).join(" "));
        await expectTidy(backend);
      }
      expect(conflicts).toBeGreaterThan(0);
    },
  );
});

/** Expects that the manifest names every file of the folder: nothing was left behind. */
async function expectTidy(backend: StorageBackend): Promise<void> {
  const key = joinKey(FOLDER, "_manifest.json");
  const { body } = await backend.get(key);
  const names = (parseManifest(await body.bytes(), key).files ?? []).map(({ name }) => joinKey(FOLDER, name));
  expect(await new Storage(backend).listFiles(FOLDER)).toEqual([key, ...names].sort());
}
