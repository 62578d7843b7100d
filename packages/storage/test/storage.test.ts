import { parseKey, partition, type Row, Storage } from "@parquetry/core";
import { beforeEach, describe, expect, it } from "vitest";
import { BACKENDS } from "./support/backends.ts";

const games = (week: number): Row[] => [
  { game_id: 401_000 + week, home: "Texas A&M", points: 24, attendance: null },
  { game_id: 401_100 + week, home: "Hawai'i", points: 17.5, attendance: 9346 },
];

describe.each(Object.entries(BACKENDS))("tables on %s", (_, open) => {
  let storage: Storage;
  beforeEach(async () => {
    storage = new Storage(await open());
    return () => storage.close();
  });

  async function season(): Promise<void> {
    for (const week of [1, 2, 10]) {
      await storage.write("raw/games", games(week), partition({ year: "2024", week }));
    }
    await storage.write("raw/games", games(1), partition({ year: "2023", week: 1 }));
  }

  it("reads back the written rows, with partition columns in every row", async () => {
    expect(await storage.write("raw/games", games(1), partition({ year: "2024", team: "Miami (OH)" }))).toBe(
      2,
    );
    expect(await storage.readIndex("raw/games", { team: "Miami (OH)" })).toEqual(
      games(1).map((row) => ({ ...row, year: "2024", team: "Miami (OH)" })),
    );
    expect(await storage.exists("raw/games/year=2024/team=Miami (OH)")).toBe(true);
    expect(await storage.exists("raw/games/year=2024/team=Miami")).toBe(false);
  });

  it("keeps values that look like parts of a path, and refuses those whose key would be too long", async () => {
    const values = [
      ".",
      "..",
      "...",
      "",
      " ",
      " a ",
      "a//b",
      "/",
      "../up",
      "\0",
      "a\0b",
      "\n",
      "\ufffd",
      "Jose\u0301",
      "_a",
      "~",
    ];
    for (const k of values) await storage.write("raw/odd", [{ id: encodeURIComponent(k) }], partition({ k }));
    const rows = await storage.readIndex("raw/odd");
    expect(rows.map(({ id }) => id).sort()).toEqual(values.map(encodeURIComponent).sort());
    expect(rows.filter(({ id, k }) => id !== encodeURIComponent(String(k)))).toEqual([]);
    for (const k of values) {
      expect(await storage.write("raw/odd", [{ id: 1 }], partition({ k }), { allowOtherTypes: true })).toBe(
        1,
      );
      expect(await storage.readIndex("raw/odd", { k })).toEqual([{ id: 1, k }]);
    }
    for (const k of ["x".repeat(1100), "日".repeat(340)])
      await expect(storage.write("raw/odd", [{ id: 1 }], partition({ k }))).rejects.toMatchObject({
        code: "invalid_path",
        message: expect.stringContaining("1024"),
      });
    expect(await storage.readIndex("raw/odd")).toHaveLength(values.length);
  });

  it("filters by any keys, in any order, with lists, by whole values", async () => {
    await season();
    const weeks = async (filters: Record<string, string | string[]>): Promise<unknown[]> =>
      (await storage.readIndex("raw/games", filters)).map((row) => `${row["year"]}/${row["week"]}`);
    expect(await weeks({ week: "1" })).toEqual(["2023/1", "2023/1", "2024/1", "2024/1"]);
    expect(await weeks({ week: ["2", "10"], year: "2024" })).toEqual([
      "2024/10",
      "2024/10",
      "2024/2",
      "2024/2",
    ]);
    expect(await weeks({ year: "1999" })).toEqual([]);
    expect(await weeks({})).toHaveLength(8);
  });

  it("names the known keys or entities in the error about an unknown one", async () => {
    await season();
    await expect(storage.readIndex("raw/games", { weak: "1" })).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("Its keys are year, week"),
    });
    await expect(storage.readIndex("raw/games", { year: "1999", weak: "1" })).rejects.toMatchObject({
      code: "invalid_argument",
    });
    await expect(storage.readIndex("raw/plays")).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining("There is raw/games"),
    });
    await expect(storage.readIndex("raw/gmaes")).rejects.toMatchObject({
      message: expect.stringContaining("Did you mean raw/games?"),
    });
  });

  it("says of an entity whose data files are all below folders that are no partitions that none is read", async () => {
    await storage.writeCsv("raw/odd/year=2024/sub/a.csv", [{ a: 1 }]);
    for (const op of ["readIndex", "inspect", "repair"] as const)
      await expect(storage[op]("raw/odd")).rejects.toMatchObject({
        code: "not_found",
        message: expect.stringMatching(/raw\/odd in .* has data files, but none of them is in a partition/),
      });
  });

  it("says of an entity whose partitions hold no data file that there is none, and that it may be about to come", async () => {
    await storage.backend.put(parseKey("raw/new/year=2024/notes.txt"), new Uint8Array(1));
    for (const op of ["readIndex", "inspect", "repair"] as const)
      await expect(storage[op]("raw/new")).rejects.toMatchObject({
        code: "not_found",
        message: expect.stringMatching(/no entity raw\/new in .*: no data file was found in its partitions/),
      });
  });

  it("replaces exactly one partition: overwriting week 1 leaves week 10 alone", async () => {
    await season();
    await storage.write("raw/games", [{ game_id: 1 }], partition({ year: "2024", week: "1" }));
    const [row, ...others] = await storage.readIndex("raw/games", { year: "2024", week: "1" });
    expect(row).toMatchObject({ game_id: 1, home: null, year: "2024", week: "1" });
    expect(others).toEqual([]);
    expect(await storage.readIndex("raw/games", { year: "2024", week: "10" })).toHaveLength(2);
    expect(await storage.listFiles("raw/games/year=2024/week=1")).toHaveLength(2);
  });

  it("replaces by default, so a repeated run has each row once, and adds a file with overwrite: false", async () => {
    const p = partition({ year: "2024" });
    await storage.write("raw/games", games(1), p);
    await storage.write("raw/games", games(1), p);
    expect(await storage.readIndex("raw/games")).toHaveLength(2);
    expect(await storage.write("raw/games", games(2), p, { overwrite: false })).toBe(2);
    expect((await storage.readIndex("raw/games")).map((row) => row["game_id"]).sort()).toEqual([
      401_001, 401_002, 401_101, 401_102,
    ]);
  });

  it("stores an empty partition as zero rows and a manifest", async () => {
    const p = partition({ year: "2024" });
    await storage.write("raw/games", games(1), p);
    expect(await storage.write("raw/games", [], p, { overwrite: false })).toBe(0);
    expect(await storage.readIndex("raw/games")).toHaveLength(2);
    expect(await storage.write("raw/games", [], p)).toBe(0);
    expect(await storage.readIndex("raw/games")).toEqual([]);
    expect(await storage.listFiles()).toEqual(["raw/games/year=2024/_manifest.json"]);
  });

  it("commits one of several racing writes whole, and fails the others with conflict", async () => {
    const p = partition({ year: "2024" });
    await storage.write("raw/games", games(0), p);
    const outcomes = await Promise.allSettled(
      [1, 2, 3, 4].map((week) => storage.write("raw/games", games(week), p)),
    );
    const lost = outcomes.filter((outcome) => outcome.status === "rejected");
    for (const { reason } of lost) expect(reason).toMatchObject({ code: "conflict" });
    expect(lost.length).toBeLessThan(4);
    expect(await storage.readIndex("raw/games")).toHaveLength(2);
    expect(await storage.listFiles("raw/games/year=2024")).toHaveLength(2);
  });

  it("reads files of other systems, without a manifest or with one of the Python system, and never AppleDouble files", async () => {
    const put = (path: string, bytes: Uint8Array): Promise<unknown> =>
      storage.backend.put(parseKey(path), bytes);
    const text = (content: string): Uint8Array => new TextEncoder().encode(content);
    await storage.writeParquet("raw/old/year=2013/team=Texas A&M/data.parquet", [{ a: 1 }]);
    await put("raw/old/year=2013/team=Texas A&M/._data.parquet", text("AppleDouble"));
    await put("raw/old/year=2013/team=Texas A&M/_SUCCESS", text(""));
    await put("raw/old/year=2013/team=Texas A&M/data.csv", text("a\n99\n"));
    await put("raw/old/year=2014/team=Rice/data.csv", text("a,b\r\n1,00123\r\n,NA\r\n"));
    await storage.writeParquet("raw/old/year=2015/team=Rice/part-0.parquet", [{ a: 2 }]);
    await put(
      "raw/old/year=2015/team=Rice/manifest.json",
      text(
        '{"rows": 1, "schema": {"fields": [{"name": "a", "type": "int64", "nullable": true}]}, "extra": {}}',
      ),
    );
    expect(await storage.readIndex("raw/old", {}, { csv: { nullValues: ["", "NA"] } })).toEqual([
      { a: 1, b: null, year: "2013", team: "Texas A&M" },
      { a: 1, b: "00123", year: "2014", team: "Rice" },
      { a: null, b: null, year: "2014", team: "Rice" },
      { a: 2, b: null, year: "2015", team: "Rice" },
    ]);
    // Writing into the old tree upgrades only the touched partition.
    await storage.write("raw/old", [{ a: 3 }], partition({ year: "2015", team: "Rice" }), {
      overwrite: false,
    });
    expect((await storage.readIndex("raw/old", { year: "2015" })).map((row) => row["a"])).toEqual([2, 3]);
    await storage.write("raw/old", [{ a: 4 }], partition({ year: "2015", team: "Rice" }));
    expect((await storage.readIndex("raw/old", { year: "2015" })).map((row) => row["a"])).toEqual([4]);
    expect(await storage.listFiles("raw/old/year=2015")).toHaveLength(2);
  });

  it("does not read a file of an uncommitted write, and removes it with the next write", async () => {
    const p = partition({ year: "2024" });
    await storage.write("raw/games", games(1), p);
    const stray = `raw/games/year=2024/part-${"0".repeat(32)}.parquet`;
    await storage.writeParquet(stray, [{ game_id: 666 }]);
    expect((await storage.readIndex("raw/games")).map((row) => row["game_id"])).not.toContain(666);
    await storage.write("raw/games", games(2), p);
    expect(await storage.exists(stray)).toBe(false);
  });

  it("names a file that cannot be read, or skips and reports it with onUnreadable: skip", async () => {
    await storage.write("raw/games", games(1), partition({ year: "2023" }));
    await storage.backend.put(
      parseKey("raw/games/year=2024/data.parquet"),
      new TextEncoder().encode("garbage, not Parquet"),
    );
    await expect(storage.readIndex("raw/games")).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringContaining("year=2024/data.parquet"),
    });
    const skipped: string[] = [];
    const rows = await storage.readIndex(
      "raw/games",
      {},
      {
        onUnreadable: "skip",
        onSkippedFile: (error) => skipped.push(error.message),
      },
    );
    expect(rows).toHaveLength(2);
    expect(skipped).toHaveLength(1);
  });

  it("reads only the requested columns: null if a file lacks one, an error if all files do", async () => {
    await season();
    await storage.write("raw/games", [{ late: 1 }], partition({ year: "2025", week: 1 }));
    const rows = await storage.readIndex("raw/games", { week: "1" }, { columns: ["points", "late"] });
    expect(rows).toEqual([
      { points: 24, late: null, year: "2023", week: "1" },
      { points: 17.5, late: null, year: "2023", week: "1" },
      { points: 24, late: null, year: "2024", week: "1" },
      { points: 17.5, late: null, year: "2024", week: "1" },
      { points: null, late: 1, year: "2025", week: "1" },
    ]);
    await expect(storage.readIndex("raw/games", {}, { columns: ["points", "pionts"] })).rejects.toMatchObject(
      {
        code: "invalid_argument",
        message: expect.stringContaining('column "pionts"'),
      },
    );
  });

  it("finds every table, whatever other files are next to it", async () => {
    await season();
    await storage.writeCsv("raw/stray.csv", [{ a: 1 }]);
    await storage.writeCsv("raw/flat/data.csv", [{ a: 1 }]);
    expect(await storage.listEntities()).toEqual(["raw", "raw/flat", "raw/games"]);
  });

  it("refuses a row that contradicts its partition, and a partition with deeper ones", async () => {
    await expect(
      storage.write("raw/games", [{ year: 2023, a: 1 }], partition({ year: "2024" })),
    ).rejects.toMatchObject({ code: "invalid_argument", message: expect.stringContaining("row 0 has year") });
    await season();
    await expect(storage.write("raw/games", games(1), partition({ year: "2024" }))).rejects.toMatchObject({
      code: "invalid_path",
      message: expect.stringContaining("deeper partitions"),
    });
  });

  it("writes and reads CSV", async () => {
    const rows = [
      {
        id: 1,
        name: 'quote " and, comma',
        when: "2024-09-01T00:00:00.000Z",
        ok: true,
        code: "00123",
        x: null,
      },
      { id: 2, name: "line\nbreak", when: "2024-09-02T00:00:00.000Z", ok: false, code: "4", x: 1.5 },
    ];
    await storage.writeCsv("out/a.csv", rows);
    expect(await storage.readCsv("out/a.csv")).toEqual(rows);
    await storage.backend.put(parseKey("out/bad.csv"), new TextEncoder().encode("a,b\n1,2\n3\n"));
    await expect(storage.readCsv("out/bad.csv")).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringContaining("line 3"),
    });
    await storage.backend.put(parseKey("out/latin.csv"), Buffer.from("team\nSan Jos\xe9 State\n", "latin1"));
    await expect(storage.readCsv("out/latin.csv")).rejects.toMatchObject({
      message: expect.stringContaining("latin1"),
    });
    expect(await storage.readCsv("out/latin.csv", { encoding: "latin1" })).toEqual([
      { team: "San José State" },
    ]);
  });

  it.each(["../outside", "/etc/passwd", "a//b", "a\0b", "", "./a"])(
    "refuses the path %j everywhere",
    async (path) => {
      const refusal = { code: "invalid_path" };
      await expect(storage.readParquet(path)).rejects.toMatchObject(refusal);
      await expect(storage.writeParquet(path, [{ a: 1 }])).rejects.toMatchObject(refusal);
      await expect(storage.readCsv(path)).rejects.toMatchObject(refusal);
      await expect(storage.readIndex(path)).rejects.toMatchObject(refusal);
      await expect(storage.write(path, [{ a: 1 }], partition({ y: "1" }))).rejects.toMatchObject(refusal);
      if (path !== "") await expect(storage.exists(path)).rejects.toMatchObject(refusal);
    },
  );
});
