import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, lstat, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseKey } from "@parquetry/core";
import { abilitiesOf, type StorageBackend } from "@parquetry/core/backend";
import { processOwner } from "@parquetry/core/unstable";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { asOrdinaryUser } from "../../../test/support/as-ordinary-user.ts";
import { createLocalBackend } from "./local-backend.ts";
import { withPathLock } from "./path-lock.ts";
import { removeLeftovers } from "./remove-leftovers.ts";

const RANDOM = "0123456789abcdef";
const DAY_MS = 86_400_000;
const [machine, pid, start] = processOwner().split(".");
/** An earlier process with the id of this one. */
const DEAD = `${machine}.${pid}.${Number(start) + 1}`;
const ELSEWHERE = `000000000000.${pid}.${start}`;

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-leftovers-"));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

/** Runs a program with an open backend, kills it when it prints something, and waits for its end. */
async function killed(program: string): Promise<void> {
  const at = (name: string): string => JSON.stringify(new URL(`../dist/${name}.js`, import.meta.url).href);
  const text = `
    import { createLocalBackend } from ${at("index")};
    import { withPathLock } from ${at("path-lock")};
    const root = ${JSON.stringify(root)};
    const forever = () => new Promise((resolve) => setTimeout(resolve, 60_000));
    ${program}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", text], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (child.stdout === null) throw new Error("no pipe");
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
}

const KILLED_IN_A_PUT = `
  const backend = await createLocalBackend({ root });
  await backend.put("a/b/data", (async function* () {
    yield new Uint8Array(100_000);
    process.stdout.write("writing");
    await forever();
  })());`;
const KILLED_WITH_A_LOCK = `
  await withPathLock(root + "/a/b", "data", async () => {
    process.stdout.write("locked");
    await forever();
  });`;

const at = (...names: string[]): string => join(root, ...names);
const pathsOf = (found: readonly { readonly path: string }[]): string[] => found.map(({ path }) => path);
const put = (backend: StorageBackend, key: string): Promise<unknown> =>
  backend.put(parseKey(key), new Uint8Array(3));

async function write(path: string, ageMs = 0): Promise<void> {
  await writeFile(path, "half a file");
  await utimes(path, new Date(), new Date(Date.now() - ageMs));
}

async function ownNames(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name.includes(".parquetry-")).sort();
}

describe("what killed processes left", () => {
  it("is found and removed by removeLeftovers", async () => {
    await put(await createLocalBackend({ root }), "a/b/kept");
    await killed(KILLED_IN_A_PUT);
    await killed(KILLED_WITH_A_LOCK);
    const found = await removeLeftovers({ root, dryRun: true });
    expect(found.map(({ bytes }) => bytes).sort()).toEqual([0, 100_000]);
    expect(await removeLeftovers({ root })).toEqual(found);
    expect(await removeLeftovers({ root })).toEqual([]);
    expect((await readdir(root, { recursive: true })).sort()).toEqual(
      ["a", "a/b", "a/b/kept"].map((p) => join(p)),
    );
  });

  it("is removed by the next put into its folder, of any key", async () => {
    const backend = await createLocalBackend({ root });
    await put(backend, "a/b/kept");
    await killed(KILLED_IN_A_PUT);
    await killed(KILLED_WITH_A_LOCK);
    // As one leaves it that is killed while it releases it.
    await mkdir(at("a", "b", `.parquetry-lock-${"0".repeat(24)}`));
    expect(await ownNames(root)).toHaveLength(4);
    const next = await createLocalBackend({ root });
    await put(next, "a/other");
    expect(await ownNames(root)).toHaveLength(4);
    await put(next, "a/b/other");
    expect(await ownNames(root)).toEqual([]);
  });

  it("is removed again by a backend that has put into the folder before, after a listing", async () => {
    const backend = await createLocalBackend({ root });
    await put(backend, "a/b/data");
    await write(at("a", "b", `.parquetry-${DEAD}.${RANDOM}.tmp`));
    for await (const _ of backend.list({ prefix: parseKey("a/b") }));
    await put(backend, "a/b/data");
    expect(await ownNames(root)).toEqual([]);
    await backend.close();
  });

  it("is removed where a listing came across it, without another walk", async () => {
    await killed(KILLED_IN_A_PUT);
    await mkdir(at("c"));
    await write(at("c", `.parquetry-${DEAD}.${RANDOM}.tmp`));
    const backend = await createLocalBackend({ root });
    const { leftovers } = abilitiesOf(backend);
    expect(await leftovers?.removeListed()).toEqual([]);
    for await (const _ of backend.list({ prefix: parseKey("a") }));
    const removed = await leftovers?.removeListed();
    expect(removed).toEqual([{ path: expect.stringContaining(at("a", "b")), bytes: 100_000 }]);
    expect(await ownNames(root)).toHaveLength(1);
    expect(await leftovers?.removeListed()).toEqual([]);
  });
});

describe("removeLeftovers", () => {
  it("removes files of dead owners, and of unknown ones after a day; keeps those of living ones", async () => {
    const names = {
      dead: `.parquetry-${DEAD}.${RANDOM}.tmp`,
      living: `.parquetry-${processOwner()}.${RANDOM}.tmp`,
      elsewhere: `.parquetry-${ELSEWHERE}.${RANDOM}.tmp`,
      "elsewhere, old": `.parquetry-${ELSEWHERE}.1${RANDOM.slice(1)}.tmp`,
      earlier: ".parquetry-0123456789abcdef01234567.tmp",
      "earlier, old": ".parquetry-1123456789abcdef01234567.tmp",
      "living, old": `.parquetry-${processOwner()}.1${RANDOM.slice(1)}.tmp`,
    };
    for (const [kind, name] of Object.entries(names))
      await write(at(name), kind.endsWith("old") ? DAY_MS + 60_000 : DAY_MS - 60_000);
    expect(pathsOf(await removeLeftovers({ root })).sort()).toEqual(
      [at(names.dead), at(names["elsewhere, old"]), at(names["earlier, old"])].sort(),
    );
    expect(await ownNames(root)).toHaveLength(4);
  });

  it("removes locks of dead holders, keeps those that are held, and those that were taken on another machine today", async () => {
    await mkdir(at(`.parquetry-lock-${"0".repeat(24)}`));
    await write(at(`.parquetry-lock-${"0".repeat(24)}`, `${DEAD}.${RANDOM}`));
    await mkdir(at(`.parquetry-lock-${"1".repeat(24)}`));
    await write(at(`.parquetry-lock-${"1".repeat(24)}`, `${ELSEWHERE}.${RANDOM}`), DAY_MS - 60_000);
    await mkdir(at(`.parquetry-${DEAD}.${RANDOM}`));
    // Its holder was killed while it released it.
    await mkdir(at(`.parquetry-lock-${"2".repeat(24)}`));
    // Its owner has not written its token yet.
    await mkdir(at(`.parquetry-${processOwner()}.${RANDOM}`));
    await utimes(at(`.parquetry-${processOwner()}.${RANDOM}`), 1, 1);
    await withPathLock(root, "data", async () => {
      const removed = pathsOf(await removeLeftovers({ root }));
      expect(removed).toEqual(
        [
          `.parquetry-${DEAD}.${RANDOM}`,
          `.parquetry-lock-${"0".repeat(24)}`,
          `.parquetry-lock-${"2".repeat(24)}`,
        ].map((name) => at(name)),
      );
    });
    expect(await ownNames(root)).toHaveLength(3);
  });

  it("keeps what only looks like one: links, folders, other names, and locks with other content", async () => {
    await write(at("target"));
    await symlink(at("target"), at(`.parquetry-${DEAD}.${RANDOM}.tmp`));
    await mkdir(at(`.parquetry-${DEAD}.1${RANDOM.slice(1)}.tmp`));
    await write(at(`.parquetry-${DEAD}.1${RANDOM.slice(1)}.tmp`, "mine"), 9 * DAY_MS);
    await mkdir(at("folder"));
    await symlink(at("folder"), at(`.parquetry-lock-${"0".repeat(24)}`));
    await mkdir(at(`.parquetry-lock-${"1".repeat(24)}`));
    await write(at(`.parquetry-lock-${"1".repeat(24)}`, `${DEAD}.${RANDOM}`));
    await write(at(`.parquetry-lock-${"1".repeat(24)}`, "mine"), 9 * DAY_MS);
    await write(at(`.parquetry-${DEAD}.${RANDOM}`), 9 * DAY_MS);
    await write(at(".parquetry-notes.tmp"), 9 * DAY_MS);
    await write(at(`${DEAD}.${RANDOM}.tmp`), 9 * DAY_MS);
    const before = await readdir(root, { recursive: true });
    const backend = await createLocalBackend({ root });
    expect(await removeLeftovers({ root })).toEqual([]);
    await put(backend, "data");
    expect((await readdir(root, { recursive: true })).sort()).toEqual([...before, "data"].sort());
    expect((await lstat(at("target"))).size).toBe(11);
  });

  it.skipIf(process.platform === "win32")(
    "rejects with permission_denied for a read-only folder, and removes the rest",
    async () => {
      for (const folder of ["a", "b", "c"]) {
        await mkdir(at(folder));
        await write(at(folder, `.parquetry-${DEAD}.${RANDOM}.tmp`));
        await chmod(at(folder), folder === "b" ? 0o555 : 0o777);
      }
      await chmod(root, 0o755);
      await asOrdinaryUser(async () => {
        expect(await removeLeftovers({ root, dryRun: true })).toHaveLength(3);
        await expect(removeLeftovers({ root })).rejects.toMatchObject({ code: "permission_denied" });
      });
      expect(await ownNames(root)).toEqual([join("b", `.parquetry-${DEAD}.${RANDOM}.tmp`)]);
      await chmod(at("b"), 0o755);
    },
  );

  it("removes thousands", async () => {
    for (let i = 0; i < 3000; i++)
      await writeFile(at(`.parquetry-${DEAD}.${String(i).padStart(16, "0")}.tmp`), "");
    await put(await createLocalBackend({ root }), "data");
    expect(await readdir(root)).toEqual(["data"]);
  });

  it("rejects a missing root with not_found, and stops with aborted", async () => {
    await expect(removeLeftovers({ root: at("none") })).rejects.toMatchObject({ code: "not_found" });
    const signal = AbortSignal.abort();
    await expect(removeLeftovers({ root, signal })).rejects.toMatchObject({ code: "aborted" });
  });
});
