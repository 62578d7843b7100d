import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { createWorld, jsonLines, summaryOf, type World } from "./support/command.ts";

/** Stores objects as another program may: under any key that S3 accepts. */
async function putRaw(world: World, objects: Readonly<Record<string, string>>): Promise<void> {
  const { endpoint, region, credentials } = world.server;
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  for (const [Key, Body] of Object.entries(objects))
    await client.send(new PutObjectCommand({ Bucket: "football", Key, Body }));
  client.destroy();
}

/** Keys that S3 accepts and no path can name. */
const UNUSABLE = [
  "games/2024/",
  "x//",
  "games//a.csv",
  "./b.csv",
  "games/./c.csv",
  "games/../d.csv",
  "/e.csv",
  "games/nul\0.csv",
];
/** As the commands show a name. */
const shown = (name: string): string => name.replace("\0", "\\x00");

describe("an S3 object whose name cannot be a key", () => {
  it.each(UNUSABLE)("%j fails migrate, verify and doctor, and is reported by name", async (name) => {
    await using world = await createWorld("s3");
    await putRaw(world, { [`v/${name}`]: "season,team\n2024,TEX\n", "v/games/ok.csv": "a\n1\n" });
    const ends = ["--from", "s3://football/v", "--to", world.data];
    const migrated = await world.call(["migrate", ...ends]);
    expect(migrated).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`${shown(name)}: `) });
    expect(migrated.stdout).toContain("Not complete: 1 without a usable name.");
    for (const level of ["etag", "full"]) {
      const verified = await world.call(["verify", ...ends, "--level", level, "--allow-unverified"]);
      expect(verified).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`${shown(name)}: `) });
      expect(verified.stderr).toContain("Not equal: 1 without a usable name.");
    }
    const { exitCode, stdout } = await world.call(["doctor", "--from", "s3://football/v"]);
    expect(exitCode).toBe(1);
    expect(stdout.replace(/\s+/g, " ")).toContain(`names: usable: 1 unusable: ${shown(name)} (`);
    const counted = await world.call(["inventory", "s3://football/v"]);
    expect(counted).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`${shown(name)}: `) });
  });

  it("at the target only fails verify, and is left alone by migrate", async () => {
    await using world = await createWorld("s3");
    world.write({ "games/ok.csv": "a\n1\n" });
    await putRaw(world, { "v/games/2024/": "season,team\n", "v/games//a.csv": "b" });
    const ends = ["--from", world.data, "--to", "s3://football/v"];
    expect(await world.call(["migrate", ...ends])).toMatchObject({ exitCode: 0 });
    const verified = await world.call(["verify", "--json", ...ends]);
    expect(summaryOf(verified)).toMatchObject({ exitCode: 1, equal: false, skippedEntries: 2 });
    const details = jsonLines(verified.stdout).flatMap(({ detail }) =>
      detail === undefined ? [] : [detail],
    );
    expect(details).toEqual([
      "games//a.csv: it has an empty segment (a doubled or trailing /), at the target",
      "games/2024/: it ends with / and holds 12 bytes, at the target",
    ]);
  });

  it("is not missed if it is the prefix itself, or outside the filters", async () => {
    await using world = await createWorld("s3");
    await putRaw(world, { "v/": "data", "v/raw/x/": "data", "v/games/ok.csv": "a" });
    const ends = ["--from", "s3://football/v", "--to", world.data];
    const all = await world.call(["migrate", ...ends]);
    expect(all.stdout).toContain("2 without a usable name");
    const some = await world.call(["migrate", ...ends, "--exclude", "raw/"]);
    expect(some).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("v/: ") });
    expect(some.stderr).not.toContain("raw/x/");
    expect(await world.call(["migrate", ...ends, "--include", "games/"])).toMatchObject({ exitCode: 0 });
  });
});

describe("a key that the target cannot hold", () => {
  it("is refused by name and left out, and the others are copied", async () => {
    await using world = await createWorld("s3");
    const long = "x".repeat(256);
    await putRaw(world, { "v/a": "1", "v/a/b": "2", [`v/${long}/c`]: "3", "v/d": "4" });
    const ends = ["--from", "s3://football/v", "--to", world.data];
    for (const command of ["plan", "migrate"]) {
      const { exitCode, stderr } = await world.call([command, ...ends]);
      expect([command, exitCode]).toEqual([command, 1]);
      expect(stderr).toContain("refused: a/b: a is a file");
      expect(stderr).toContain(`refused: ${long}/c: it has a name of 256 bytes`);
    }
    const verified = await world.call(["verify", ...ends]);
    expect(verified).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("Not equal: 2 missing.") });
    expect((await world.call(["doctor", "--from", "s3://football/v"])).stdout).toContain(
      "2 cannot be files of a directory",
    );
  });

  it("of more than 1,024 bytes with the prefix is refused by name", async () => {
    await using world = await createWorld("s3");
    const long = Array.from({ length: 5 }, () => "y".repeat(200)).join("/");
    await putRaw(world, { [`v/${long}`]: "1", "v/ok": "2" });
    const ends = ["--from", "s3://football/v", "--to", `s3://football/${"prefix/".repeat(5)}to`];
    const { exitCode, stderr } = await world.call(["migrate", ...ends]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("its name has 1004 bytes, and the target accepts 986");
    expect(await world.call(["verify", ...ends])).toMatchObject({ exitCode: 1 });
  });
});

describe("an empty S3 object whose name ends with a slash", () => {
  it("is a folder marker on either side, and changes no result", async () => {
    await using world = await createWorld("s3");
    await putRaw(world, { "v/games/": "", "v/games/2024/": "", "v/games/ok.csv": "a\n1\n" });
    for (const [from, to] of [
      ["s3://football/v", world.data],
      [world.data, "s3://football/v"],
    ]) {
      const ends = ["--from", `${from}`, "--to", `${to}`];
      expect(await world.call(["migrate", ...ends])).toMatchObject({ exitCode: 0 });
      expect(await world.call(["verify", "--level", "full", ...ends])).toMatchObject({ exitCode: 0 });
    }
    expect(await world.call(["inventory", "s3://football/v"])).toMatchObject({ exitCode: 0 });
  });
});
