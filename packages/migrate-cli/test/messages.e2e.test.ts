import { describe, expect, it } from "vitest";
import { createWorld, summaryOf } from "./support/command.ts";

const FILES = { "raw/plays/year=2024/a.parquet": "plays", "raw/plays/year=2023/a.parquet": "more" };

describe.concurrent("what a command says to a person", () => {
  it.each<[readonly string[], string]>([
    [
      ["migrate", "extra"],
      "too many arguments for 'migrate': it takes none. Give places by --from and --to.",
    ],
    [["nope"], "unknown command 'nope'"],
    [["help", "nope"], 'there is no help about "nope". There is about init, doctor, '],
    [["verify", "--level", "all"], '"all" is not a level of verification. Expected etag, sample:5%'],
    [["migrate", "--include", "{a"], '"{a" is not a pattern: a { in it is never closed.'],
    [["migrate", "--report", ".env"], ".env: a file is in its place."],
    [["verify", "--report", ".env/report"], "a folder on its way is a file."],
    [["migrate", "--dry-run", "--report", "report"], "--report tells of a run, and --dry-run makes none."],
    [
      ["inventory", "data", "--to", "r2://football"],
      "looks at one place. Give one only: parquetry inventory PLACE",
    ],
    [["cost", "--prices", "none.json"], "none.json cannot be read: there is no such file or folder."],
    [["init", "none/.env"], ".env cannot be written: there is no such file or folder."],
    [["migrate", "--from", "data", "--to", "data"], "are the same place, or one lies in the other."],
  ])("%j fits a terminal, is one line elsewhere, and JSON for programs", async (args, says) => {
    await using world = await createWorld();
    world.write(FILES);
    const onTerminal = await world.call([...args, "--no-color"], {}, 80);
    expect(onTerminal).toMatchObject({ exitCode: 2, stdout: "" });
    // Without the live line that was drawn before.
    const shown = onTerminal.stderr.split("\n").map((line) => line.split("\u001b[2K").at(-1) ?? "");
    expect(shown.join(" ").replace(/\s+/g, " ")).toContain(says);
    // A path alone may be longer than a line.
    expect(shown.filter((line) => line.length > 80 && line.includes(" "))).toEqual([]);
    const elsewhere = await world.call(args);
    expect(elsewhere.stderr.split("\n").some((line) => line.includes(says))).toBe(true);
    const told = summaryOf(await world.call([...args, "--json"]));
    expect(told).toMatchObject({ type: "summary", exitCode: 2 });
    expect(told["error"]).toMatchObject({ message: expect.stringContaining(says) });
    expect(world.server.requests.count("PutObject")).toBe(0);
  });

  it("says where all names are, by the flags that the command has", async () => {
    await using world = await createWorld();
    world.write(Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`raw/${i}`, "right"])));
    expect((await world.call(["migrate"])).exitCode).toBe(0);
    world.write(Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`raw/${i}`, "wrong!"])));
    for (const plan of [["plan"], ["migrate", "--dry-run"]])
      expect((await world.call(plan)).stderr).toContain("2 more; --json lists them all");
    expect((await world.call(["verify"])).stderr).toContain("2 more; --report DIR lists them all");
  });

  it("ends the help of a command with examples", async () => {
    await using world = await createWorld();
    for (const command of ["doctor", "inventory", "cost", "plan", "migrate", "verify"]) {
      const { stdout } = await world.call([command, "--help"]);
      expect(stdout).toContain(`\nExamples:\n  parquetry ${command}`);
      expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    }
  });
});
