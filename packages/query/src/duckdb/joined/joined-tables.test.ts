import { existsSync } from "node:fs";
import { mkdir, mkdtemp, realpath, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { isStorageError, StorageError } from "@parquetry/core";
import { encodeParquet } from "@parquetry/core/unstable/tables";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { ScanFile } from "../../files/scan-file.ts";
import type { ScanTable } from "../views/scan-table.ts";
import { Scratch } from "../views/scratch.ts";
import { JoinedTables, type JoinLimits } from "./joined-tables.ts";

const LIMITS: JoinLimits = { minFiles: 4, tableBytes: 1e6, keptBytes: 1e6, keptFiles: 1000 };

let folder: string;
let scratch: Scratch;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "parquetry-joined-")));
  await mkdir(join(folder, "scratch"));
  scratch = await Scratch.create([join(folder, "data")], join(folder, "scratch"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Files `year=…/game=…/a.parquet` in a directory, or in a cache, whose paths say nothing. */
async function files(count: number, place: "data" | "cache" = "data", year = 2024): Promise<ScanFile[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const key = `year=${year}/game=${i}/a.parquet`;
      const path = join(folder, place, place === "data" ? key : `${year}-${i}`);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, await encodeParquet([{ a: i }], [{ name: "a", type: "int64" }]));
      const entries = [["year", String(year)] as const, ["game", String(i)] as const];
      return { kind: "local", path, version: `${path} ${Math.random()}`, key, entries };
    }),
  );
}

const table = (members: readonly ScanFile[], keys: readonly string[] = ["year"]): ScanTable => ({
  names: ["plays"],
  columns: [{ name: "a", type: "BIGINT" }],
  keys: keys.map((name) => ({ name, type: "BIGINT" })),
  groups: [{ files: members, columns: [{ name: "a", type: "BIGINT" }] }],
});

const pathsOf = ([one]: readonly ScanTable[]): readonly string[] =>
  one?.groups.flatMap((group) => group.files.map(({ path }) => path)) ?? [];

/** The paths that each attempt of a query reads. */
async function attempts(
  joined: JoinedTables,
  tables: readonly ScanTable[],
  run: (attempt: number) => unknown = () => undefined,
): Promise<(readonly string[])[]> {
  const seen: (readonly string[])[] = [];
  await joined.during(tables, {}, async (some) => {
    seen.push(pathsOf(some));
    await run(seen.length);
  });
  return seen;
}

it("joins files with one partition, in folders with the names of theirs", async () => {
  const [inPlace, cached] = [await files(8), await files(8, "cache")];
  const joined = new JoinedTables(scratch, LIMITS);
  const [[one] = []] = await attempts(joined, [table(inPlace)]);
  expect(one).toMatch(/joined\/year=2024\/game=0\/\d+\.parquet$/);
  const [[other] = []] = await attempts(joined, [table(cached)]);
  expect(other).toMatch(/joined\/\d+\.parquet$/);
});

it("leaves few files, files of many partitions and remote files as they are", async () => {
  const joined = new JoinedTables(scratch, LIMITS);
  const few = await files(3);
  const many = await files(16);
  const remote = many.map((file): ScanFile => ({ ...file, kind: "remote" }));
  for (const one of [table(few), table(many, ["year", "game"]), table(remote), table([])]) {
    expect(await attempts(joined, [one])).toEqual([pathsOf([one])]);
  }
});

it("runs again over the files if anything fails over joined ones, but not after an abort", async () => {
  const joined = new JoinedTables(scratch, LIMITS);
  const tables = [table(await files(8))];
  const failing = await attempts(joined, tables, (attempt) => {
    if (attempt === 1) throw new Error("a fault of joining");
  });
  expect(failing).toEqual([[expect.stringContaining("joined")], pathsOf(tables)]);
  const aborted = new StorageError({ code: "aborted", op: "sql", message: "sql: aborted." });
  let runs = 0;
  const abort = (): never => {
    runs++;
    throw aborted;
  };
  await expect(attempts(joined, tables, abort)).rejects.toBe(aborted);
  expect(runs).toBe(1);
});

it("joins again after another program has deleted the joined files", async () => {
  const joined = new JoinedTables(scratch, LIMITS);
  const tables = [table(await files(8))];
  const read = async ([one = ""]: readonly string[]): Promise<void> => {
    if (!existsSync(one)) throw new Error("a file that has gone");
  };
  const run = async (): Promise<number> => {
    let runs = 0;
    await joined.during(tables, {}, async (some) => {
      runs++;
      await read(pathsOf(some));
    });
    return runs;
  };
  expect(await run()).toBe(1);
  await joined.during(tables, {}, async (some) => rm(pathsOf(some)[0] ?? ""));
  expect(await run()).toBe(2);
  expect(await run()).toBe(1);
});

it("runs over the files if one of them has gone, and stops joining at the signal", async () => {
  const joined = new JoinedTables(scratch, LIMITS);
  const members = await files(8);
  await rm(members[5]?.path ?? "");
  expect(await attempts(joined, [table(members)])).toEqual([pathsOf([table(members)])]);
  const signal = AbortSignal.abort();
  const run = joined.during([table(await files(8))], { signal }, async () => expect.unreachable());
  await expect(run).rejects.toSatisfy((error) => isStorageError(error, "aborted"));
});

it("keeps the last joined files up to a limit, and those that a query reads", async () => {
  const lists = [await files(8, "data", 1), await files(8, "data", 2), await files(8, "data", 3)];
  const tables = lists.map((list) => table(list));
  const one = new JoinedTables(scratch, LIMITS);
  const [[first = ""] = []] = await attempts(one, tables.slice(0, 1));
  expect((await attempts(one, tables.slice(0, 1)))[0]).toEqual([first]);
  // The same files in another version.
  const changed = [table(lists[0]?.map((file, i) => (i === 3 ? { ...file, version: "new" } : file)) ?? [])];
  expect((await attempts(one, changed))[0]).not.toEqual([first]);

  const joined = new JoinedTables(scratch, { ...LIMITS, keptBytes: 1 });
  let during = "";
  await joined.during(tables.slice(0, 1), {}, async (some) => {
    [during = ""] = pathsOf(some);
    await attempts(joined, tables.slice(1, 2));
    expect(existsSync(during)).toBe(true);
  });
  expect(existsSync(during)).toBe(false);
  // DuckDB keeps the footer of each path that it has read, as long as the file has the same time.
  const time = async (): Promise<number> => (await stat(during)).mtimeMs;
  const times: number[] = [];
  const run = async (): Promise<void> => void times.push(await time());
  expect(await attempts(joined, tables.slice(0, 1), run)).toEqual([[during]]);
  expect(await attempts(joined, tables.slice(0, 1), run)).toEqual([[during]]);
  expect(times[0]).not.toBe(times[1]);
});

it("keeps the joined files of the last list, and of others as long as these have few files in all", async () => {
  const joined = new JoinedTables(scratch, { ...LIMITS, keptFiles: 16 });
  const lists = [await files(8, "data", 1), await files(8, "data", 2), await files(40, "data", 3)];
  const first: string[] = [];
  for (const list of lists) first.push(...((await attempts(joined, [table(list)]))[0] ?? []));
  expect(first.map((path) => existsSync(path))).toEqual([false, false, true]);
  for (const list of lists.slice(0, 2)) await attempts(joined, [table(list)]);
  expect(first.map((path) => existsSync(path))).toEqual([true, true, false]);
});

it("reads no more than a few of many files that cannot be joined", async () => {
  const members = await files(300);
  for (const [i, { path }] of members.entries()) {
    await writeFile(
      path,
      await encodeParquet([{ a: i }], [{ name: i % 2 === 0 ? "a" : "b", type: "int64" }]),
    );
    // A file that was read would fail the joining, and none would be joined.
    if (i >= 100 && i < 290) await rm(path);
  }
  const joined = new JoinedTables(scratch, LIMITS);
  expect(await attempts(joined, [table(members)])).toEqual([pathsOf([table(members)])]);
});

it("joins no more bytes of a table than its limit", async () => {
  const members = [
    ...(await files(8, "data", 1)),
    ...(await files(8, "data", 2)),
    ...(await files(8, "data", 3)),
  ];
  const joined = new JoinedTables(scratch, { ...LIMITS, tableBytes: 1 });
  const [paths = []] = await attempts(joined, [table(members)]);
  expect(paths).toEqual([expect.stringContaining("joined"), ...members.slice(8).map(({ path }) => path)]);
});
