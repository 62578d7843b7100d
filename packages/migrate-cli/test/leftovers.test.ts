import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { processOwner } from "@parquetry/core/unstable";
import { expect, it } from "vitest";
import { createWorld } from "./support/command.ts";

const [machine, pid, start] = processOwner().split(".");
const RANDOM = "0123456789abcdef";
const DEAD = `${machine}.${pid}.${Number(start) + 1}.${RANDOM}`;

it("migrate removes from its target what killed processes left in the folders that it lists, also with nothing to copy", async () => {
  await using made = await createWorld();
  made.write({ "raw/plays/year=2024/a.csv": "a\n1\n", "raw/games/year=2024/b.csv": "a\n2\n" });
  const target = join(made.folder, "target");
  mkdirSync(target);
  const migrate = ["migrate", "--from", made.data, "--to", target];
  expect(await made.call(migrate)).toMatchObject({ exitCode: 0 });
  const folder = join(target, "raw/plays/year=2024");
  const lock = join(folder, `.parquetry-lock-${"0".repeat(24)}`);
  mkdirSync(lock);
  writeFileSync(join(lock, DEAD), "");
  writeFileSync(join(folder, `.parquetry-${DEAD}.tmp`), "half");
  const living = join(folder, `.parquetry-${processOwner()}.${RANDOM}.tmp`);
  writeFileSync(living, "half");
  // A source is never changed.
  const atSource = join(made.data, "raw/plays/year=2024", `.parquetry-${DEAD}.tmp`);
  writeFileSync(atSource, "half");
  expect(await made.call([...migrate, "--dry-run"])).toMatchObject({ exitCode: 0 });
  expect(readdirSync(folder)).toHaveLength(4);
  expect(await made.call(migrate)).toMatchObject({ exitCode: 0 });
  expect(readdirSync(folder).sort()).toEqual([living.slice(folder.length + 1), "a.csv"].sort());
  expect(existsSync(atSource)).toBe(true);
});
