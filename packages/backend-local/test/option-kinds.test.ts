import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLocalBackend, removeLeftovers } from "../src/index.ts";

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-kinds-"));
  const leftover = join(root, ".parquetry-old.tmp");
  await writeFile(leftover, "half a file");
  await utimes(leftover, 1e9, 1e9);
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A value as plain JavaScript can pass it. */
// biome-ignore lint/suspicious/noExplicitAny: standing in for callers without types is the point
const anything = (value: unknown): any => value;

const NO_OPTIONS: readonly unknown[] = [undefined, null, "root", [], new Map()];

const CALLS: Readonly<
  Record<
    string,
    readonly [
      call: (options: unknown) => Promise<unknown>,
      wrong: Readonly<Record<string, readonly unknown[]>>,
    ]
  >
> = {
  createLocalBackend: [
    (options) => createLocalBackend(anything(options)),
    { root: [5, null, "", undefined, ["."], {}], rooot: ["."] },
  ],
  removeLeftovers: [
    (options) => removeLeftovers(anything(options)),
    {
      root: [5, null, "", undefined, {}],
      dryRun: ["true", 0, null, {}],
      signal: [5, null, {}],
      dryrun: [true],
    },
  ],
};

describe.each(Object.entries(CALLS))("%s", (_, [call, wrong]) => {
  it.each(Object.entries(wrong))("refuses wrong values of %s, and touches nothing", async (name, values) => {
    for (const value of values) {
      const error: unknown = await call({ root, [name]: value }).catch((thrown: unknown) => thrown);
      expect(error, String(value)).toMatchObject({ name: "StorageError", code: "invalid_argument" });
    }
    expect(await readdir(root)).toEqual([".parquetry-old.tmp"]);
  });

  it("refuses anything but an object of options", async () => {
    for (const value of NO_OPTIONS)
      await expect(call(value), String(value)).rejects.toMatchObject({ code: "invalid_argument" });
  });
});
