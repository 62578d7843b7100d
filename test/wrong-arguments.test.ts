import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { ROOT } from "./support/sources.ts";

/**
 * How many kinds of wrong values each place gets, drawn by the seed: `PARQUETRY_WRONG_KINDS=all` for every one of them, which takes
 * minutes, and `PARQUETRY_WRONG_SEED` for others than those of a run.
 */
const KINDS = process.env.PARQUETRY_WRONG_KINDS;
const SEED = process.env.PARQUETRY_WRONG_SEED ?? "1";

/** The packages that are called in one process, and for each how many kinds a run in CI has time for. */
const GROUPS = [
  { packages: ["core"], kinds: 6 },
  { packages: ["backend-local", "backend-s3", "storage"], kinds: 4 },
  { packages: ["query"], kinds: 2 },
  { packages: ["trino"], kinds: 6 },
  { packages: ["ui"], kinds: 6 },
  { packages: ["migrate-cli"], kinds: 31 },
  { packages: ["testkit"], kinds: 31 },
];

interface Report {
  readonly calls: number;
  readonly functions: readonly string[];
  readonly violations: readonly { kind: string; what: string; detail: string }[];
}

/** The built files of a package's entry points. Those below `unstable` are for the other packages only, and `command` is a program. */
function entryPoints(name: string): string[] {
  const folder = join(ROOT, "packages", name);
  const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return Object.entries<{ default?: string }>(exports).flatMap(([entry, { default: file }]) =>
    file === undefined || /^\.\/(?:unstable|command)/.test(entry) ? [] : [join(folder, file)],
  );
}

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe(`wrong arguments, PARQUETRY_WRONG_SEED=${SEED}`, () => {
  it("is tried for every package", () => {
    const tried = GROUPS.flatMap(({ packages }) => packages);
    // `parquetry` only re-exports.
    expect([...tried, "parquetry"].sort()).toEqual(readdirSync(join(ROOT, "packages")).sort());
  });

  it.each(GROUPS)(
    "of every function of $packages fail with a StorageError that names them, and change nothing",
    async ({ packages, kinds }) => {
      const folder = realpathSync(mkdtempSync(join(tmpdir(), "parquetry-wrong-")));
      folders.push(folder);
      const modules = packages.flatMap(entryPoints);
      expect(modules.filter((file) => !existsSync(file))).toEqual([]);
      const child = spawn(
        process.execPath,
        [join(ROOT, "test", "wrong-arguments", "program.mjs"), folder, ...modules],
        {
          stdio: ["ignore", "pipe", "pipe"],
          env: {
            ...process.env,
            WRONG_SEED: SEED,
            ...(KINDS === "all" ? {} : { WRONG_KINDS: KINDS ?? `${kinds}` }),
          },
        },
      );
      const [output, progress, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, "exit"),
      ]);
      expect(code, `${output.slice(-2000)}\n${progress.slice(-2000)}`).toBe(0);
      const report: Report = JSON.parse(output);
      expect(report.violations).toEqual([]);
      expect(report.functions.length).toBeGreaterThan(0);
      expect(report.calls).toBeGreaterThan(report.functions.length);
    },
    KINDS === undefined ? 600_000 : 4 * 3_600_000,
  );
});
