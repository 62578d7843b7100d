import { type PartialWriteError, parseKey, partition, Storage } from "@parquetry/core";
import { beforeEach, describe, expect, it } from "vitest";
import { BACKENDS } from "./support/backends.ts";

const ENTITY = "raw/plays";
const paths = (of: readonly { readonly partition: { path(): string } }[]): string[] =>
  of.map((each) => each.partition.path());

describe.each(Object.entries(BACKENDS))("writePartitions on %s", (_, open) => {
  let storage: Storage;
  beforeEach(async () => {
    storage = new Storage(await open());
    return () => storage.close();
  });

  it("writes each row to the partition of its key columns, which are left out of the files", async () => {
    const rows = Array.from({ length: 100 }, (_, id) => ({
      id,
      week: id % 5,
      team: `T${id % 2}`,
      yards: id / 4,
    }));
    const seen: number[] = [];
    const result = await storage.writePartitions(ENTITY, rows, {
      by: ["week", "team"],
      concurrency: 3,
      onProgress: ({ partitions }) => seen.push(partitions),
    });
    expect(paths(result.partitions)).toEqual(
      Array.from({ length: 10 }, (_, id) => `week=${id % 5}/team=T${id % 2}`),
    );
    expect(result.rows).toBe(100);
    expect(result.partitions.every((each) => each.rows === 10)).toBe(true);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const back = await storage.readIndex(ENTITY, {}, { keyTypes: { week: "integer" } });
    expect(back.sort((a, b) => Number(a["id"]) - Number(b["id"]))).toEqual(rows);
    const [file] = (await storage.listFiles(ENTITY)).filter((path) => path.endsWith(".parquet"));
    expect(Object.keys((await storage.readParquet(file ?? ""))[0] ?? {})).toEqual(["id", "yards"]);
    // The caller's rows are as they were.
    expect(Object.keys(rows[0] ?? {})).toEqual(["id", "week", "team", "yards"]);
  });

  it("replaces exactly the named partitions, or adds to them", async () => {
    await storage.writePartitions(
      ENTITY,
      [
        { id: 1, week: 1 },
        { id: 2, week: 2 },
      ],
      { by: ["week"] },
    );
    await storage.writePartitions(ENTITY, [{ id: 3, week: 2 }], { by: ["week"] });
    const ids = async (): Promise<unknown[]> => (await storage.readIndex(ENTITY)).map(({ id }) => id);
    expect(await ids()).toEqual([1, 3]);
    await storage.writePartitions(ENTITY, [{ id: 4, week: 2 }], { by: ["week"], overwrite: false });
    expect((await ids()).sort()).toEqual([1, 3, 4]);
  });

  it("gives all files the same columns and types, whatever the rows of each", async () => {
    const rows = [
      { week: 1, yards: 1, note: null },
      { week: 2, yards: 2.5, note: "x" },
      { week: 3, yards: null, extra: true },
    ];
    await storage.writePartitions(ENTITY, rows, { by: ["week"] });
    const { drift, schemas } = await storage.inspect(ENTITY);
    expect(drift).toEqual([]);
    expect(schemas.map(({ fields }) => fields)).toEqual([
      [
        { name: "yards", type: "double" },
        { name: "note", type: "string" },
        { name: "extra", type: "boolean" },
      ],
    ]);
  });

  it("takes NULL, odd and differently typed values of keys as the folders that write uses", async () => {
    const odd = ["a/b=c", "null", "", " ", "é", "100%", "..", "🏈", "San José", "x\u0001"];
    const rows = [
      ...odd.map((team, id) => ({ id, team })),
      { id: 100, team: null },
      { id: 101 },
      { id: 102, team: "e\u0301" },
      { id: 103, team: 7 },
      { id: 104, team: "7" },
      { id: 105, team: 7n },
      { id: 106, team: true },
    ];
    // A folder in the spelling of another writer.
    await storage.write(ENTITY, [{ id: 0 }], partition({ team: "San José" }));
    const files = await storage.listFiles(ENTITY);
    for (const file of files) {
      await storage.backend.copy(parseKey(file), parseKey(file.replace("San José", "San%20Jos%C3%A9")));
    }
    await storage.delete(files);
    const { partitions } = await storage.writePartitions(ENTITY, rows, { by: ["team"] });
    expect(partitions).toHaveLength(odd.length + 3);
    const back = await storage.readIndex(ENTITY);
    expect(back).toHaveLength(rows.length);
    const teamOf = new Map(back.map(({ id, team }) => [id, team]));
    for (const { id, team } of rows as readonly { id: number; team?: unknown }[])
      expect(teamOf.get(id)).toBe(team === undefined || team === null ? null : String(team).normalize("NFC"));
    const folders = new Set((await storage.listFiles(ENTITY)).map((path) => path.split("/")[2]));
    expect(folders).toContain("team=San%20Jos%C3%A9");
    expect(folders).not.toContain("team=San José");
  });

  it.each([
    [[{ day: new Date(0), a: 1 }], ["day"], "toISOString().slice(0, 10)"],
    [[{ day: 1.5, a: 1 }], ["day"], 'row 0, column "day" is 1.5'],
    [
      [
        { day: 1, a: 1 },
        { day: {}, a: 1 },
      ],
      ["day"],
      'row 1, column "day"',
    ],
    [[{ day: "__HIVE_DEFAULT_PARTITION__", a: 1 }], ["day"], "means NULL"],
    [[{ day: 1, a: 1 }], ["dya"], 'did you mean "day"?'],
    [[{ day: 1, a: 1 }], [], "by must name one column or more"],
    [[{ day: 1, a: 1 }], ["day", "Day"], "the same name"],
    [[{ day: 1, Day: 2 }], ["day"], "the same name"],
    [[{ day: 1 }], ["day"], "no column besides"],
    [
      [
        { day: 1, a: 1 },
        { day: 2, a: "x" },
      ],
      ["day"],
      "row 1",
    ],
  ])("refuses %j by %j and writes nothing", async (rows, by, problem) => {
    await expect(storage.writePartitions(ENTITY, rows, { by })).rejects.toMatchObject({
      code: expect.stringMatching(/^invalid_/),
      message: expect.stringContaining(problem),
    });
    expect(await storage.listFiles()).toEqual([]);
  });

  it("writes nothing without rows, and needs the option by", async () => {
    expect(await storage.writePartitions(ENTITY, [], { by: ["week"] })).toEqual({ partitions: [], rows: 0 });
    expect(await storage.listFiles()).toEqual([]);
    // @ts-expect-error by is required
    await expect(storage.writePartitions(ENTITY, [{ a: 1 }], {})).rejects.toMatchObject({
      code: "invalid_argument",
    });
  });

  it("reports which partitions were written, which failed and which were not begun, and can be run again", async () => {
    // A folder below makes this partition impossible to write.
    await storage.write("raw/plays/week=5", [{ id: 0 }], partition({ day: 1 }));
    const rows = Array.from({ length: 40 }, (_, week) => ({ id: week, week }));
    const error = await storage
      .writePartitions(ENTITY, rows, { by: ["week"], concurrency: 2, allowOtherKeys: true })
      .then(
        () => undefined,
        (reason: PartialWriteError) => reason,
      );
    expect(error).toMatchObject({ code: "invalid_path", op: "writePartitions", name: "StorageError" });
    expect(paths(error?.failed ?? [])).toEqual(["week=5"]);
    const { committed = [], untried = [] } = error ?? {};
    expect(committed.length + untried.length).toBe(39);
    expect(untried.length).toBeGreaterThan(0);
    await storage.delete(await storage.listFiles("raw/plays/week=5"));
    const stored = (await storage.readIndex(ENTITY)).map(({ week }) => `week=${week}`);
    expect(stored.sort()).toEqual(committed.map((each) => each.path()).sort());
    await storage.writePartitions(ENTITY, rows, { by: ["week"] });
    expect((await storage.readIndex(ENTITY)).map(({ id }) => id).sort()).toEqual(
      rows.map(({ id }) => id).sort(),
    );
  });

  it("stops when the signal fires, and leaves whole partitions only", async () => {
    const rows = Array.from({ length: 300 }, (_, week) => ({ id: week, week }));
    const controller = new AbortController();
    const error = await storage
      .writePartitions(ENTITY, rows, {
        by: ["week"],
        concurrency: 4,
        signal: controller.signal,
        onProgress: ({ partitions }) => partitions === 20 && controller.abort(),
      })
      .then(
        () => undefined,
        (reason: PartialWriteError) => reason,
      );
    expect(error?.code).toBe("aborted");
    expect(error?.committed.length).toBeLessThan(30);
    const committed = error?.committed.map((each) => each.path()) ?? [];
    const failed = paths(error?.failed ?? []);
    const stored = (await storage.readIndex(ENTITY)).map(({ week }) => `week=${week}`);
    // The store may have got those that were on their way.
    expect(stored).toEqual(expect.arrayContaining(committed));
    expect([...committed, ...failed]).toEqual(expect.arrayContaining(stored));
    expect(failed.length).toBeLessThanOrEqual(4);
    expect((await storage.repair(ENTITY, { dryRun: true })).removed).toEqual([]);
  });
});

it("writePartitions holds at most `concurrency` encoded files, however many partitions there are", async () => {
  const backend = await (BACKENDS["memory"] ?? (() => Promise.reject(new Error("no backend"))))();
  let running = 0;
  let most = 0;
  const counted = new Proxy(backend, {
    get(target, name: keyof typeof backend) {
      if (name !== "put") return target[name];
      return async (...args: Parameters<typeof backend.put>) => {
        most = Math.max(most, ++running);
        await new Promise((done) => setImmediate(done));
        try {
          return await target.put(...args);
        } finally {
          running--;
        }
      };
    },
  });
  const storage = new Storage(counted);
  const rows = Array.from({ length: 3000 }, (_, id) => ({ id, key: id }));
  await storage.writePartitions("many", rows, { by: ["key"], concurrency: 7 });
  expect(most).toBe(7);
  expect((await storage.inspect("many")).partitions).toBe(3000);
});
