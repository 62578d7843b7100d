import { once } from "node:events";
import { chmod, chown, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { compareKeys } from "@parquetry/core/backend";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { asOrdinaryUser, NOBODY } from "../../../test/support/as-ordinary-user.ts";
import { DiskPace } from "./disk-pace.ts";
import { type ListTreeOptions, listTree } from "./list-tree.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-list-tree-"));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

it.runIf(process.platform === "linux")(
  "lists a name with U+FFFD, and skips a name that is not UTF-8",
  async () => {
    await writeFile(Buffer.concat([Buffer.from(`${root}/a`), Buffer.from([0xff])]), "1");
    await writeFile(join(root, "b\ufffd"), "1");
    const skipped: unknown[] = [];
    const names: string[] = [];
    for await (const page of listTree(root, "", {
      pageSize: 7,
      pace: new DiskPace(),
      onSkipped: (entry) => skipped.push(entry),
    }))
      names.push(...page.objects.map(({ key }) => key));
    expect(names).toEqual(["b\ufffd"]);
    expect(skipped).toEqual([{ path: "a\ufffd", reason: "not_a_key", detail: "its name is not UTF-8" }]);
  },
);

/** A pace that has measured a slow disk, so that everything is read ahead on the thread pool. */
function slowPace(): DiskPace {
  const pace = new DiskPace();
  const wait = (): string => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
  for (let call = 0; call < 4; call++) pace.now(wait, 1);
  return pace;
}

const PACES = { quick: () => new DiskPace(), slow: slowPace };

async function namesOf(options: Partial<ListTreeOptions>): Promise<string[]> {
  const names: string[] = [];
  for await (const { objects, prefixes } of listTree(root, "", { pageSize: 7, ...options })) {
    expect(objects.length + prefixes.length).toBeLessThanOrEqual(7);
    names.push(
      ...[...objects.map(({ key }) => key), ...prefixes.map((prefix) => `${prefix}/`)].sort(compareKeys),
    );
  }
  return names;
}

describe.each(Object.entries(PACES))("a walk over a %s disk", (_name, makePace) => {
  it("never lists a folder as empty whose files are replaced by others while it is read", async () => {
    const replacer = new Worker(
      `const { unlinkSync, writeFileSync } = require("node:fs");
       const { workerData: folder, parentPort } = require("node:worker_threads");
       const at = (i) => folder + "/" + i % 10;
       writeFileSync(at(0), "");
       parentPort.postMessage("ready");
       const wait = new Int32Array(new SharedArrayBuffer(4));
       for (let i = 1; ; i++) {
         writeFileSync(at(i), "");
         unlinkSync(at(i - 1));
         Atomics.wait(wait, 0, 0, 1);
       }`,
      { eval: true, workerData: root },
    );
    await once(replacer, "message");
    const pace = makePace();
    let empty = 0;
    for (let i = 0; i < 2_000; i++) if ((await namesOf({ pace })).length === 0) empty++;
    await replacer.terminate();
    expect(empty).toBe(0);
  });

  it("lists whole keys in byte order, from any key on, at any depth", async () => {
    // UTF-16 sorts the last three differently.
    const segment = fc.constantFrom("a", "a.b", "a0", "a-", "b", "year=2024", "é", "\uffee", "\u{1f3c8}");
    const key = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key, { maxLength: 40 }),
        key,
        fc.boolean(),
        async (wanted, startAfter, direct) => {
          await rm(root, { recursive: true });
          await mkdir(root);
          // A name cannot be both a file and a folder.
          const keys = wanted.filter((one) => !wanted.some((other) => other.startsWith(`${one}/`)));
          for (const one of keys) {
            await mkdir(dirname(join(root, one)), { recursive: true });
            await writeFile(join(root, one), one);
          }
          await mkdir(join(root, "empty", "deep"), { recursive: true });
          const pace = makePace();
          const names = direct ? keys.map((one) => one.replace(/\/.*/s, "/")) : keys;
          const sorted = [...new Set(names)].sort(compareKeys);
          const delimiter = direct ? ({ delimiter: "/" } as const) : {};
          expect(await namesOf({ pace, ...delimiter })).toEqual(sorted);
          expect(await namesOf({ pace, startAfter, ...delimiter })).toEqual(
            sorted.filter((name) => compareKeys(name, startAfter) > 0),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it("reports what it skips, in folders of any size", async () => {
    await mkdir(join(root, "many"));
    const keys: string[] = [];
    for (let i = 0; i < 600; i++) {
      const key = `many/${String(i).padStart(4, "0")}`;
      keys.push(key);
      await writeFile(join(root, key), "");
    }
    await symlink("elsewhere", join(root, "many", "link"));
    const skipped: string[] = [];
    expect(await namesOf({ pace: makePace(), onSkipped: ({ path }) => skipped.push(path) })).toEqual(keys);
    expect(skipped).toEqual(["many/link"]);
  });

  it.skipIf(process.platform === "win32")("goes on beside what it may not read", async () => {
    for (const folder of ["a", "locked", "names only", "z"]) {
      await mkdir(join(root, folder));
      for (let i = 0; i < 300; i++) await writeFile(join(root, folder, String(1000 + i)), "");
    }
    if (process.getuid?.() === 0)
      for (const path of [root, join(root, "names only")]) await chown(path, NOBODY, -1);
    await chmod(join(root, "locked"), 0);
    await chmod(join(root, "names only"), 0o400);
    const told: string[] = [];
    const names = await asOrdinaryUser(() =>
      namesOf({ pace: makePace(), onUnreadable: ({ path, error }) => told.push(`${path}: ${error.code}`) }),
    );
    await chmod(join(root, "locked"), 0o700);
    await chmod(join(root, "names only"), 0o700);
    expect(names).toHaveLength(600);
    expect(names.every((name) => /^[az]\//.test(name))).toBe(true);
    expect(told).toEqual(["locked: permission_denied", "names only: permission_denied"]);
  });
});

describe("DiskPace", () => {
  it("moves to other threads after the fourth slow call in a row, and returns later", () => {
    const pace = slowPace();
    expect(pace.isQuick).toBe(false);
    for (let read = 0; read < 256; read++) pace.later();
    expect(pace.isQuick).toBe(true);
  });
});
