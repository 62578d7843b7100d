import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { partition, type Storage } from "@parquetry/core";
import { getStorage } from "@parquetry/storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createInterrupt } from "../src/commands/interrupt.ts";
import { runCli } from "../src/commands/run-cli.ts";

let folder: string;
let data: string;
let storage: Storage;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquetry-test-sql-"));
  data = join(folder, "data");
  await mkdir(data);
  storage = await getStorage({ env: { PARQUETRY_DATA_ROOT: data } });
  const rows = [
    { team: "Hawai'i", yards: 12, note: 'a "b", c' },
    { team: "San José State", yards: -3, note: null },
  ];
  for (const year of [2023, 2024]) await storage.write("raw/plays", rows, partition({ year }));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(
  argv: readonly string[],
  options: {
    readonly tty?: number;
    readonly stdin?: string;
    readonly shell?: boolean;
    readonly env?: Record<string, string>;
  } = {},
): Promise<Run> {
  const streams = [new PassThrough(), new PassThrough()] as const;
  const [stdout, stderr] = streams;
  const texts = Promise.all(streams.map((stream) => text(stream)));
  if (options.tty !== undefined) Object.assign(stdout, { isTTY: true, columns: options.tty });
  const code = await runCli(argv, {
    env: {
      PARQUETRY_DATA_ROOT: data,
      PARQUETRY_CACHE_DIR: join(folder, "cache"),
      NO_COLOR: "1",
      ...options.env,
    },
    stdin: Object.assign(Readable.from([options.stdin ?? ""]), { isTTY: options.shell === true }),
    stdout,
    stderr,
    cwd: folder,
    interrupt: createInterrupt(),
  });
  stdout.end();
  stderr.end();
  const [out = "", err = ""] = await texts;
  return { code, out, err };
}

const query = (argv: readonly string[], options?: Parameters<typeof run>[1]): Promise<Run> =>
  run(["query", ...argv], options);

const SQL = "SELECT team, yards, note FROM plays WHERE year = 2024 ORDER BY yards";

it.each(["-- how many?\nSELECT 1 AS one", "--how many?\n SELECT 1 AS one"])(
  "runs SQL that begins with a comment: %j",
  async (sql) => {
    expect(await query([sql])).toEqual({ code: 0, out: "one\n1\n", err: "" });
  },
);

describe("parquetry files", () => {
  it("prints the paths that a query would read, or their sizes, tables and keys", async () => {
    const sql = "FROM plays WHERE year = $year LIMIT 1";
    const argv = ["files", sql, "--param", "year=2024"];
    const keys = await storage.listFiles("raw/plays/year=2024");
    const [name = ""] = keys.filter((key) => key.endsWith(".parquet"));
    const path = join(data, name);
    expect(await run(argv)).toEqual({ code: 0, out: `${path}\n`, err: "" });
    const expected = {
      path,
      bytes: (await readFile(path)).length,
      table: "raw/plays",
      keys: { year: "2024" },
    };
    expect(JSON.parse((await run([...argv, "--format", "json"])).out)).toEqual([expected]);
    expect((await run([...argv, "--format", "ndjson"])).out).toBe(`${JSON.stringify(expected)}\n`);
    expect(JSON.parse((await run([...argv, "--json"])).out)).toMatchObject({
      type: "summary",
      command: "files",
      exitCode: 0,
      files: [expected],
    });
    const all = await run(["files"], { stdin: "FROM plays" });
    expect(all.out.split("\n").slice(0, -1).sort()).toHaveLength(2);
    expect(await run(["files", "FROM plays WHERE year = 1900"])).toEqual({ code: 0, out: "", err: "" });
    await storage.write("raw/games", [{ home: "Rice" }], partition({ year: 2024 }));
    try {
      const both = "SELECT * FROM plays JOIN games USING (year)";
      expect(await run(["files", both])).toMatchObject({ code: 2, err: expect.stringContaining("--table") });
      expect((await run(["files", both, "--table", "games"])).out).toMatch(
        /^\S+\/raw\/games\/year=2024\/\S+\n$/,
      );
      expect((await run(["files", both, "--format", "ndjson"])).out.split("\n")).toHaveLength(4);
      expect(await run(["files", both, "--table", "plies"])).toMatchObject({
        code: 2,
        err: expect.stringContaining("raw/plays"),
      });
    } finally {
      await rm(join(data, "raw/games"), { recursive: true });
    }
    expect(await run(["files", "FROM palys"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("plays"),
    });
  });
});

describe("parquetry query", () => {
  it.each([
    ["csv", 'team,yards,note\nSan José State,-3,\nHawai\'i,12,"a ""b"", c"\n'],
    ["tsv", 'team\tyards\tnote\nSan José State\t-3\t\\N\nHawai\'i\t12\ta "b", c\n'],
    [
      "ndjson",
      '{"team":"San José State","yards":-3,"note":null}\n{"team":"Hawai\'i","yards":12,"note":"a \\"b\\", c"}\n',
    ],
    [
      "markdown",
      '| team | yards | note |\n| --- | --- | --- |\n| San José State | -3 |  |\n| Hawai\'i | 12 | a "b", c |\n',
    ],
  ])("writes %s", async (format, expected) => {
    expect(await query([SQL, "--format", format])).toEqual({ code: 0, out: expected, err: "" });
  });

  it("writes JSON that keeps big integers, and csv where nobody looks", async () => {
    const { out } = await query([
      "SELECT 9007199254740993 AS big, [1] AS l, DATE '2024-01-02' AS d",
      "--format",
      "json",
    ]);
    expect(out).toBe('[\n{"big":9007199254740993,"l":[1],"d":"2024-01-02"}\n]\n');
    expect((await query([SQL])).out).toMatch(/^team,yards,note\n/);
  });

  it("draws a table at a terminal, never wider than it", async () => {
    const { out, err } = await query([SQL], { tty: 80 });
    expect(out.split("\n")).toEqual([
      "team             yards  note",
      "varchar         bigint  varchar",
      "──────────────  ──────  ────────",
      "San José State      -3  NULL",
      'Hawai\'i             12  a "b", c',
      "(2 rows)",
      "",
    ]);
    expect(err).toMatch(/^2 rows from 1 file \(\d+ B\), \d+ list requests?, [\d.]+ m?s\n$/);
    for (const width of [20, 40, 80]) {
      const wide = await query(
        [
          `SELECT repeat('日本', 40) AS a, ${Array.from({ length: 30 }, (_, i) => `${i} AS column_${i}`).join(", ")}`,
        ],
        { tty: width },
      );
      for (const line of wide.out.split("\n").filter((each) => !each.startsWith("("))) {
        expect([...line].reduce((sum, char) => sum + (/[日本]/.test(char) ? 2 : 1), 0)).toBeLessThanOrEqual(
          width,
        );
      }
      expect(wide.out).toMatch(/more columns/);
    }
    expect((await query(["FROM range(1000)"], { tty: 80 })).out).toMatch(
      /… 900 more rows; --format csv shows all\n\(1,000 rows\)\n$/,
    );
  });

  it("shows fewer columns of a wide table rather than stumps of all", async () => {
    const texts = Array.from({ length: 20 }, (_, i) => `'a text of some length' AS column_${i}`).join(", ");
    const { out } = await query([`SELECT ${texts}`], { tty: 80 });
    expect(out.split("\n")[3]).toMatch(/^(?:a text of some l?e?n?g?t?h?… {2}){3}a text/);
  });

  it("never lets a value steer the terminal", async () => {
    const { out } = await query(["SELECT chr(27) || '[31m' || chr(10) AS x"], { tty: 80 });
    expect(out).not.toContain("\u001b");
  });

  it("explains", async () => {
    const { out } = await query([SQL, "--explain"]);
    expect(out).toMatch(
      /^raw\/plays \(as plays\)\n├─ year {2}1 of 2 partitions\n└─ reads 1 partition, 1 file, .*\n\d+ list requests?\n$/,
    );
    expect(JSON.parse((await query([SQL, "--explain", "--json"])).out)).toMatchObject({
      tables: [{ levels: [{ kept: 1, total: 2 }] }],
    });
  });

  it("takes SQL from a file and from stdin, and parameters", async () => {
    const file = join(folder, "query.sql");
    await writeFile(file, "-- a file\nSELECT count(*) AS c FROM plays WHERE year = $year;\n");
    expect((await query(["--file", file, "--param", "year=2024"])).out).toBe("c\n2\n");
    expect((await query([], { stdin: "SELECT 1 AS a" })).out).toBe("a\n1\n");
    expect(JSON.parse((await query(["SELECT 1 AS a", "--json"])).out)).toMatchObject({
      rows: [{ a: 1 }],
      stats: { rowCount: 1 },
    });
  });

  it("writes files, by their ending", async () => {
    const csv = join(folder, "out.csv");
    expect(await query([SQL, "-o", csv, "--quiet"])).toEqual({ code: 0, out: "", err: "" });
    expect(await readFile(csv, "utf8")).toMatch(/^team,yards,note\n/);
    const parquet = join(folder, "out.parquet");
    expect((await query([SQL, "-o", parquet])).code).toBe(0);
    await mkdir(join(data, "raw/copy"));
    await copyFile(parquet, join(data, "raw/copy/out.parquet"));
    expect((await query(["SELECT sum(yards) AS s FROM copy"])).out).toBe("s\n9\n");
  });

  it("lists and describes tables", async () => {
    expect((await query(["--tables"])).out).toMatch(/^raw\/plays$/m);
    expect((await query(["--describe", "plays"])).out).toMatch(/yards +BIGINT\n[\s\S]*year +BIGINT +yes\n/);
  });

  it.each<[string, string[], RegExp]>([
    ["bad SQL", ["SELECT 1 FORM x"], /^error: sql: Parser Error.*\n\nLINE 1: SELECT 1 FORM x\n/],
    ["a misspelt column", ["SELECT yrads FROM plays"], /Did you mean "yards"/],
    [
      "an unknown column of many",
      [`SELECT zzz FROM (SELECT * FROM plays) WHERE 1 = 1`],
      /Columns are year, team, yards, note\./,
    ],
    [
      "a folder that is not there",
      [SQL, "--output", "/nowhere/x.csv"],
      /--output \/nowhere\/x.csv cannot be written: no such file or folder/,
    ],
    [
      "an ending of no format",
      [SQL, "--output", "x.csv.gz"],
      /--output x\.csv\.gz: no format ends with \.gz\. Name the format by --format, or end the file with one of \.csv, /,
    ],
    ["an ending that is a part of a name", ["SHOW TABLES", "--output", "tables.2024"], /ends with \.2024\./],
    ["a misspelt table", ["SELECT * FROM palys"], /Did you mean plays/],
    ["an unknown option", ["--nope"], /unknown option/],
    ["an unknown format", ["SELECT 1", "--format", "xml"], /Allowed choices/],
    ["a parameter without a value", ["SELECT 1", "--param", "x"], /--param must be name=value, got "x"/],
    ["a missing file", ["--file", "/nowhere.sql"], /cannot be read/],
    ["a missing env file", ["SELECT 1", "--env-file", "/nowhere.env"], /--env-file/],
    ["a forbidden statement", ["COPY plays TO 'x'"], /refused/],
  ])("ends with 2 and no stack trace for %s", async (_, argv, message) => {
    const { code, out, err } = await query(argv);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it("gives errors as JSON and stack traces when asked", async () => {
    const told = { version: 1, type: "summary", exitCode: 2, error: { code: "invalid_argument" } };
    for (const [command, argv] of [
      ["query", ["query", "SELECT x FROM plays", "--json"]],
      ["query", ["query", "--json", "--nope"]],
      ["compact", ["compact", "plays", "--json", "--sort-by", "x"]],
      ["ddl", ["ddl", "plays", "--json"]],
    ] as const) {
      const { code, out, err } = await run(argv);
      expect([code, err]).toEqual([2, ""]);
      expect(JSON.parse(out)).toMatchObject({ ...told, command });
    }
    expect((await query(["SELECT x FROM plays", "--verbose"])).err).toMatch(/\n\s+at /);
  });

  it("asks for SQL at a terminal", async () => {
    const typed = [
      ".tables",
      ".describe plays",
      "SELECT team",
      "FROM plays WHERE year = 2024 AND yards > 0;",
      "SELECT yrads FROM plays;",
      ".help",
      "SELECT 7 AS after;",
      "show tables;",
      "DESC",
      '"raw/plays" ;',
      ".quit",
      "SELECT 8 AS never;",
    ];
    const { code, out, err } = await query([], { stdin: `${typed.join("\n")}\n`, shell: true, tty: 80 });
    expect(code).toBe(0);
    expect(out.match(/^(?:parquetry> )?raw\/plays\r?\n(?!\r?\n)/gm)).toHaveLength(2);
    expect(out.match(/yards +BIGINT/g)).toHaveLength(2);
    expect(out).toMatch(/Hawai'i\r?\n\(1 row, [\d.]+ m?s\)/);
    expect(err).toMatch(/^error: .*Did you mean "yards"/);
    expect(out).toMatch(/ 7\n\(1 row/);
    expect(out).not.toMatch(/\n +8\n/);
  });

  it.each([
    ["SHOW TABLES", ["--tables"]],
    ["show tables;", ["--tables"]],
    ["DESCRIBE plays", ["--describe", "plays"]],
    ["/* all */ desc 'RAW/plays' ;", ["--describe", "plays"]],
    ["SHOW TABLE plays", ["--describe", "plays"]],
  ])("answers %s as it answers the flag, in each format", async (sql, flags) => {
    const forms = [[], ["--json"], ["-F", "csv"], ["-F", "ndjson"], ["-F", "markdown"]];
    const seen = new Set<string>();
    for (const form of forms) {
      const byFlag = await query([...flags, ...form]);
      expect(byFlag).toMatchObject({ code: 0, err: "" });
      expect(byFlag.out).toContain(flags.length === 1 ? "raw/plays" : "yards");
      expect(await query([sql, ...form])).toEqual(byFlag);
      seen.add(byFlag.out);
    }
    expect(seen.size).toBe(forms.length);
    const file = join(folder, "tables.csv");
    const written = await query([sql, "--output", file]);
    expect(written).toMatchObject({ code: 0, out: "" });
    expect(await readFile(file, "utf8")).toBe((await query([...flags, "-F", "csv"])).out);
    for (const refused of [["-F", "parquet"], ["--explain"]]) {
      const { code, out, err } = await query([sql, ...refused]);
      expect([code, out]).toEqual([2, ""]);
      expect(err).toContain(refused[0] === "-F" ? "--format parquet" : "--explain");
    }
  });

  it("breaks the notes of a description between words at the width of the terminal", async () => {
    await mkdir(join(data, "raw/gaps"), { recursive: true });
    await writeFile(join(data, "raw/gaps/gaps.csv"), "team,score\nHawks,\nOwls,\n");
    const plain = await query(["DESCRIBE gaps"]);
    const note = plain.out.trimEnd().split("\n").at(-1) ?? "";
    expect(note.length).toBeGreaterThan(40);
    const lines = (await query(["DESCRIBE gaps"], { tty: 40 })).out.trimEnd().split("\n");
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(40);
    expect(lines.join(" ")).toContain(note);
    await rm(join(data, "raw/gaps"), { recursive: true });
  });

  it("shows and clears the cache", async () => {
    await mkdir(join(data, "raw/teams"));
    await writeFile(join(data, "raw/teams/teams.csv"), "team\nHawks\n");
    expect((await query(["FROM teams"])).out).toBe("team\nHawks\n");
    await rm(join(data, "raw/teams"), { recursive: true });
    const shown = JSON.parse((await run(["cache", "--json"])).out);
    expect(shown).toMatchObject({ directory: join(folder, "cache"), cleared: false });
    expect(shown.files).toBeGreaterThan(0);
    expect((await run(["cache", "--clear"])).out).toMatch(/removed \d+ files?, /);
    expect((await run(["cache"])).out).toMatch(/: 0 files, 0 B\n$/);
    expect((await query([SQL])).code).toBe(0);
    expect(await run(["cache", "--nope"])).toMatchObject({ code: 2, out: "" });
  });

  it("reads CSV files as the --csv flags describe them", async () => {
    const put = async (content: Uint8Array | string): Promise<void> => {
      await mkdir(join(data, "raw/notes"), { recursive: true });
      await writeFile(join(data, "raw/notes/notes.csv"), content);
    };
    const read = (...flags: readonly string[]): Promise<Run> =>
      query(["FROM notes", "-F", "ndjson", ...flags]);
    await put(Buffer.from("note;n\n\x93caf\xe9\x94;1\nNA;\n", "latin1"));
    const refused = await read();
    expect(refused).toMatchObject({ code: 1, out: "" });
    expect(refused.err).toContain("--csv-encoding windows-1252");
    expect(
      (await read("--csv-encoding", "windows-1252", "--csv-delimiter", ";", "--csv-null", "NA")).out,
    ).toBe('{"note":"“café”","n":1}\n{"note":null,"n":null}\n');
    await put("note\tn\na\\\tb\t01\n");
    expect((await read("--csv-delimiter", "\\t", "--csv-escape", "backslash")).out).toBe(
      '{"note":"a\\tb","n":"01"}\n',
    );
    await put('note,n\n"say \\"hi\\"",1\n');
    expect((await read("--csv-strings")).out).toBe('{"note":"say \\"hi\\"","n":"1"}\n');
    expect((await read("--csv-escape", "quote")).err).toContain("--csv-escape backslash");
    for (const wrong of [
      ["--csv-encoding", "utf-16"],
      ["--csv-escape", "/"],
      ["--csv-delimiter", '"'],
    ])
      expect(await read(...wrong)).toMatchObject({ code: 2, out: "" });
    await rm(join(data, "raw/notes"), { recursive: true });
  });

  it("writes --output - to stdout, as without it", async () => {
    expect(await query(["SELECT 1 AS one", "--output", "-"])).toMatchObject({ code: 0, out: "one\n1\n" });
  });

  it.each<[string, string]>([
    ["x.jsonl", '{"one":1}\n'],
    ["X.NDJSON", '{"one":1}\n'],
    ["x.md", "| one |"],
    ["x", "one\n1\n"],
  ])("writes --output %s in the format of its ending", async (name, expected) => {
    expect(await query(["SELECT 1 AS one", "--output", name])).toMatchObject({ code: 0, out: "" });
    expect(await readFile(join(folder, name), "utf8")).toContain(expected);
  });

  it("runs on the Trino cluster that the environment names, and refuses what is for DuckDB", async () => {
    const argv = ["SELECT 1", "--engine", "trino"];
    expect(await query(argv)).toMatchObject({
      code: 2,
      err: expect.stringContaining("PARQUETRY_TRINO_URL is not set"),
    });
    const env = { PARQUETRY_TRINO_URL: "http://127.0.0.1:1", PARQUETRY_TRINO_USER: "ana" };
    for (const flag of [["--remote", "cache"], ["--csv-strings"], ["--key-type", "plays.year=VARCHAR"]])
      expect(await query([...argv, ...flag], { env })).toMatchObject({
        code: 2,
        err: expect.stringContaining(`${flag[0]} is for DuckDB`),
      });
    expect(await query([...argv, "--format", "parquet"], { env })).toMatchObject({
      code: 2,
      err: expect.stringContaining("DuckDB writes Parquet"),
    });
    expect(await query(["SELECT 1", "--beyond-query-length", "plain"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("--beyond-query-length is for a Trino cluster"),
    });
    const asked: string[] = [];
    const cluster = createServer((request, response) => {
      asked.push(String(request.headers["x-trino-user"]));
      response.writeHead(401).end();
    });
    await new Promise<void>((resolve) => cluster.listen(0, "127.0.0.1", resolve));
    // A server that listens on TCP has an address with a port.
    const { port } = cluster.address() as AddressInfo;
    const refused = await query(argv, { env: { ...env, PARQUETRY_TRINO_URL: `http://127.0.0.1:${port}` } });
    await query(argv, { env: { CFB_TRINO_URL: `http://127.0.0.1:${port}`, CFB_TRINO_USER: "eve" } });
    cluster.close();
    expect(new Set(asked)).toEqual(new Set(["ana", "eve"]));
    expect(refused).toMatchObject({ code: 2, out: "", err: expect.stringContaining("401") });
  });

  it("counts the rows of a cluster when it has them all, and says so where it shows the first ones only", async () => {
    const column = (name: string, type: string): object => ({
      name,
      type,
      typeSignature: { rawType: type, arguments: [] },
    });
    const cluster = createServer((request, response) => {
      const part = Number(request.url?.split("/").at(-1)) || 0;
      const at = `http://127.0.0.1:${port}/v1/statement/q/${part + 1}`;
      request.setEncoding("utf8");
      let sql = "";
      request.on("data", (chunk) => (sql += chunk));
      request.on("end", () => {
        const rows = Array.from({ length: 60 }, (_, i) => [part * 60 + i]);
        const isLast = part === 2 || sql.includes("few");
        const answer = sql.startsWith("EXPLAIN")
          ? { columns: [column("plan", "varchar")], data: [["{}"]] }
          : { columns: [column("n", "bigint")], data: rows, ...(isLast ? {} : { nextUri: at }) };
        response.writeHead(200, { "content-type": "application/json" });
        response.end(
          JSON.stringify({ id: "q", stats: { state: isLast ? "FINISHED" : "RUNNING" }, ...answer }),
        );
      });
    });
    await new Promise<void>((resolve) => cluster.listen(0, "127.0.0.1", resolve));
    // A server that listens on TCP has an address with a port.
    const { port } = cluster.address() as AddressInfo;
    try {
      const env = { PARQUETRY_TRINO_URL: `http://127.0.0.1:${port}` };
      const trino = ["--engine", "trino"];
      const shown = await query(["SELECT n FROM many", ...trino], { env, tty: 80 });
      expect(shown.out).toMatch(/\n *99\n… more rows; --format csv shows all\n\(the first 100 rows\)\n$/);
      expect(shown.err).toMatch(/^the first 100 rows from 0 files/m);
      const few = await query(["SELECT n FROM few", ...trino], { env, tty: 80 });
      expect(few.out).toMatch(/\n *59\n\(60 rows\)\n$/);
      const whole = await query(["SELECT n FROM many", ...trino, "--format", "table"], { env });
      expect(whole.out).toMatch(/\n *179\n\(180 rows\)\n$/);
      const { rows, stats } = JSON.parse(
        (await query(["SELECT n FROM many", ...trino, "--json"], { env })).out,
      );
      expect([rows.length, stats.rowCount]).toEqual([180, 180]);
      const typed = { env, stdin: "SELECT n FROM few;\nSELECT n FROM many;\n", shell: true, tty: 80 };
      expect((await query(trino, typed)).out).toMatch(/\(60 rows, .*… more rows\n\(the first \d+ rows, /s);
    } finally {
      cluster.closeAllConnections();
      cluster.close();
    }
  });

  it("prints DDL for other engines", async () => {
    const ddl = async (engine: string): Promise<string> => (await run(["ddl", "plays", "-e", engine])).out;
    const place = join(data, "raw/plays");
    const trino = await ddl("trino");
    expect(trino).toContain(
      `CREATE TABLE hive.default."plays" (\n  "team" varchar,\n  "yards" bigint,\n  "note" varchar,\n  "year" bigint\n) WITH (\n  external_location = 'local://${place}/',\n  format = 'PARQUET',\n  partitioned_by = ARRAY['year']\n);\n`,
    );
    expect(trino).toContain("CALL hive.system.sync_partition_metadata('default', 'plays', 'ADD', false);\n");
    expect(trino).not.toContain("FULL");
    expect(await run(["ddl", "plays", "-e", "athena"])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/Athena reads S3 only/),
    });
    expect(await ddl("spark")).toMatch(/USING PARQUET\nPARTITIONED BY \(`year`\)\nLOCATION '/);
    expect(await ddl("duckdb")).toMatch(/hive_types = \{"year": BIGINT\}/);
    expect(await run(["ddl", "plays"])).toMatchObject({ code: 2 });
    expect(await run(["ddl", "palys", "-e", "trino"])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/Did you mean plays/),
    });
  });

  it("says what compact leaves, and takes conditions as migrate does", async () => {
    await mkdir(join(data, "raw/teams/year=2024"), { recursive: true });
    await writeFile(join(data, "raw/teams/year=2024/teams.csv"), "team\nHawks\n");
    expect((await run(["compact", "raw/teams"])).out).toMatch(/it contains CSV, which .*: 1 partition\n$/);
    const both = ["compact", "raw/plays", "--dry-run", "--json", "--where"];
    expect(JSON.parse((await run([...both, "year=2023,year=2024"])).out).skipped).toHaveLength(2);
    expect(JSON.parse((await run([...both, "year=2023", "--where", "year=2024"])).out).skipped).toHaveLength(
      2,
    );
    expect(JSON.parse((await run([...both, "year=2024..2030"])).out).skipped).toHaveLength(1);
    expect(await run(["compact", "raw/plays", "--where", "year=2050"])).toMatchObject({
      code: 2,
      err: expect.stringContaining('no partition of raw/plays matches --where "year=2050"'),
    });
    await rm(join(data, "raw/teams"), { recursive: true });
  });

  it("takes the types of columns that drift, and errors say how", async () => {
    await storage.write("raw/games", [{ season: "regular" }], partition({ year: 2023 }));
    await storage.write("raw/games", [{ season: 3 }], partition({ year: 2024 }), {
      allowOtherTypes: true,
    });
    const sql = "SELECT season FROM games ORDER BY ALL";
    expect((await query([sql])).err).toContain('--column-type "raw/games.season=VARCHAR"');
    expect((await query([sql, "--column-type", "games.season=VARCHAR"])).out).toBe("season\n3\nregular\n");
    expect((await query([sql, "--column-type", "season=VARCHAR"])).err).toMatch(
      /--column-type must be table.column=TYPE/,
    );
    expect((await query(["SUMMARIZE games"])).err).toContain("--describe");
    expect((await query(["EXPLAIN FROM games"])).err).toContain("--explain");
    await rm(join(data, "raw/games"), { recursive: true });
  });
});
