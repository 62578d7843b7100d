import { partition } from "@parquetry/core";
import { openStorage } from "@parquetry/storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CommandOutcome, createWorld, jsonLines, summaryOf, type World } from "./support/command.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
  world.write({ "raw/teams/year=2024/data.csv": "team\nOwls\n" });
});
afterAll(() => world[Symbol.asyncDispose]());

/** Wrong usage: the arguments, the command that the summary names, and what the message says. */
const WRONG: readonly (readonly [args: readonly string[], command: string, message: string])[] = [
  [["migrat"], "parquetry", "Did you mean migrate?"],
  [["nope"], "parquetry", "unknown command 'nope'"],
  [["migrate", "--forse"], "migrate", "unknown option '--forse'"],
  [
    ["migrate", "extra"],
    "migrate",
    "too many arguments for 'migrate': it takes none. Give places by --from and --to.",
  ],
  [["migrate", "--concurrency", "0"], "migrate", "Expected a whole number of at least 1."],
  [["migrate", "--bandwidth", "fast"], "migrate", "Expected bytes per second"],
  [["migrate", "--include", "{a"], "migrate", '"{a" is not a pattern: it has a { that is never closed.'],
  [["migrate", "--report", ".env"], "migrate", ".env: a file of that name is in its place."],
  [["migrate", "--report", "data/report"], "migrate", "The report would be inside"],
  [["verify", "--report", "data/../data"], "verify", "Give a folder outside it"],
  [["migrate", "--dry-run", "--report", "report"], "migrate", "--report needs a run"],
  [
    ["migrate", "--from", "data", "--to", "data"],
    "migrate",
    "are the same place, or one is inside the other.",
  ],
  [["verify", "--report", ".env/report"], "verify", "a part of its path is a file."],
  [["verify", "--level", "deep"], "verify", "Expected etag, sample:5%"],
  [["plan", "--shard", "4/4"], "plan", "counted from 0"],
  [["plan", "--where", "2024"], "plan", "Expected key=value"],
  [["inventory", "--env-file", "missing.env"], "inventory", "missing.env cannot be read"],
  [["inventory", "gs://bucket"], "inventory", "gs:// is not supported"],
  [["inventory", "data", "--to", "r2://football"], "inventory", "parquetry inventory takes one place"],
  [["cost", "--prices", "none.json"], "cost", "none.json cannot be read: no such file or folder."],
  [["cost", "--prices", ".env"], "cost", "cannot be read"],
  [["init", "none/.env"], "init", ".env cannot be written: no such file or folder."],
  [["init", ".env"], "init", ".env already exists and was not changed."],
  [["help", "nope"], "help", 'no help topic "nope". Expected one of init, doctor, '],
  [["completion", "tcsh"], "completion", "Allowed choices are bash, zsh, fish"],
  [["query", "SELECT 1", "--format", "xml"], "query", "Allowed choices are table, csv"],
  [["query", "SELECT 1", "--timeout", "soon"], "query", "Expected a number of seconds"],
  [["query", "SELECT 1", "--param", "x"], "query", '--param must be name=value, got "x".'],
  [["query", "SELECT 1", "--file", "x.sql"], "query", "give the SQL or --file, not both."],
  [["query", "--file", "none.sql"], "query", "none.sql cannot be read: no such file or folder."],
  [["query", "SELECT 1", "-o", "none/x.csv"], "query", "cannot be written: no such file or folder."],
  [["compact", "raw/teams", "--into", "raw/few"], "compact", "--into needs --keys, and --keys needs --into."],
  [["compact", "raw/teams", "--where", "year>2023"], "compact", "Expected key=value"],
  [["compact"], "compact", "missing required argument 'table'"],
  [["ddl", "raw/teams"], "ddl", "--engine is missing. Give --engine trino, athena, spark or duckdb."],
  [["register"], "register", "--engine is missing. Give --engine trino."],
  [["cache", "--nope"], "cache", "unknown option '--nope'"],
];

describe("wrong usage", () => {
  it.each(WRONG)("%j ends with 2 and one message, readable or as JSON", async (args, command, says) => {
    const onTerminal = await world.call([...args, "--no-color"], {}, 80);
    expect(onTerminal).toMatchObject({ exitCode: 2, stdout: "" });
    const shown = onTerminal.stderr.split("\n").map((line) => line.split("\u001b[2K").at(-1) ?? "");
    expect(shown.join(" ").replace(/\s+/g, " ")).toContain(says);
    // Only a word that is longer than a line, such as a path, may be wider than the terminal.
    expect(shown.filter((line) => line.length > 80 && line.includes(" "))).toEqual([]);
    const piped = await world.call(args);
    expect(piped).toMatchObject({ exitCode: 2, stdout: "" });
    expect(piped.stderr.split("\n").some((line) => line.includes(says))).toBe(true);
    expect(piped.stderr).not.toMatch(/\n\s+at /);
    const json = await world.call([...args, "--json"]);
    expect(json).toMatchObject({ exitCode: 2, stderr: "" });
    expect(jsonLines(json.stdout)).toMatchObject([{ version: 1, type: "summary", command, exitCode: 2 }]);
    expect(summaryOf(json)["error"]).toMatchObject({
      code: expect.any(String),
      message: expect.stringContaining(says),
    });
    expect(world.server.requests.count("PutObject")).toBe(0);
  });

  it("shows the help where no command is given", async () => {
    expect(await world.call([])).toMatchObject({
      exitCode: 2,
      stdout: "",
      stderr: expect.stringContaining("Usage: parquetry"),
    });
    expect(summaryOf(await world.call(["--json"]))["error"]).toMatchObject({
      message: expect.stringContaining("No command is given"),
    });
  });
});

/** Every command, with arguments that succeed. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  doctor: [],
  inventory: [],
  cost: [],
  plan: [],
  migrate: [],
  verify: [],
  query: ["SELECT sum(yards) AS yards FROM plays"],
  compact: ["raw/plays", "--dry-run"],
  repair: ["--dry-run"],
  ddl: ["raw/plays", "--engine", "duckdb"],
  cache: [],
  init: [],
  completion: ["bash"],
  help: ["filters"],
};

/** Every global option: a variant whose effect every command shows. */
const GLOBALS: Readonly<
  Record<string, { readonly args: readonly string[]; effect(outcome: CommandOutcome, command: string): void }>
> = {
  "--env-file": {
    args: ["--env-file", "missing.env"],
    effect: ({ exitCode, stderr }) => {
      expect(exitCode).toBe(2);
      expect(stderr).toContain("missing.env cannot be read");
    },
  },
  "--env-prefix": {
    args: ["--env-prefix", "NFL"],
    effect: ({ exitCode, stderr, stdout }, command) => {
      if (["cache", "completion", "help", "init"].includes(command)) return expect(exitCode).toBe(0);
      expect(exitCode).not.toBe(0);
      expect(stdout + stderr).toContain("NFL_");
    },
  },
  "--json": {
    args: ["--json"],
    effect: (outcome, command) => {
      expect(outcome).toMatchObject({ exitCode: 0, stderr: "" });
      for (const line of jsonLines(outcome.stdout)) expect(line).toMatchObject({ version: 1, command });
      expect(summaryOf(outcome)).toMatchObject({ type: "summary", exitCode: 0 });
    },
  },
  "--quiet": {
    args: ["--quiet"],
    effect: (outcome) => expect(outcome).toMatchObject({ exitCode: 0, stderr: "" }),
  },
  "--verbose": {
    args: ["--verbose", "--env-file", "missing.env"],
    effect: ({ exitCode, stderr }) => {
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(/\n\s+at /);
    },
  },
  "--no-color": {
    args: ["--no-color"],
    effect: ({ exitCode, stdout, stderr }) => {
      expect(exitCode).toBe(0);
      expect(stdout + stderr).not.toContain("\u001b");
    },
  },
};

describe.each(Object.entries(COMMANDS))("parquetry %s", (command, own) => {
  let place: World;
  beforeAll(async () => {
    place = await createWorld();
    await using storage = await openStorage(place.data);
    await storage.write("raw/plays", [{ team: "Owls", yards: 3 }], partition({ year: 2024 }));
    if (command === "verify") expect((await place.call(["migrate"])).exitCode).toBe(0);
  });
  afterAll(() => place[Symbol.asyncDispose]());

  it.each(Object.entries(GLOBALS))("takes %s before and after it", async (option, { args, effect }) => {
    for (const [i, line] of [
      [...args, command, ...own],
      [command, ...own, ...args],
    ].entries()) {
      const given = command === "init" ? [...line, `fresh${option}-${i}.env`] : line;
      effect(await place.call(given, { FORCE_COLOR: option === "--no-color" ? "1" : "" }), command);
    }
  });
});

describe("help", () => {
  it("fits 80 columns and ends with examples", async () => {
    const topics = ["environment", "filters", "exit-codes", "json"];
    const all = [
      ["--help"],
      ["help"],
      ...[...topics, ...Object.keys(COMMANDS)].map((name) => ["help", name]),
    ];
    for (const args of all) {
      const { exitCode, stdout } = await world.call(args);
      expect(exitCode).toBe(0);
      expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    }
    for (const command of Object.keys(COMMANDS)) {
      const { stdout } = await world.call([command, "--help"]);
      expect(stdout).toContain(`Usage: parquetry ${command}`);
      expect((await world.call(["help", command])).stdout.trim()).toBe(stdout.trim());
      if (!["init", "help"].includes(command)) expect(stdout).toMatch(/\nExamples:\n.*parquetry /);
    }
    expect((await world.call(["--version"])).stdout).toMatch(
      /^parquetry \d+\.\d+\.\d+\nduckdb {4}\d+\.\d+\.\d+\S*\nnode {6}\d+\.\d+\.\d+\nplatform {2}\S+ \S+\n$/,
    );
  });
});
