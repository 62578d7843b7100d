import { spawnSync } from "node:child_process";
import { renameSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parsePrefix } from "@parquetry/core";
import { type ListOptions, listObjects, prefixed, type StorageBackend } from "@parquetry/core/backend";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { asOrdinaryUser, NOBODY } from "../../../test/support/as-ordinary-user.ts";
import { createLocalBackend } from "../src/index.ts";

let root: string;

async function write(...keys: string[]): Promise<void> {
  for (const key of keys) {
    await mkdir(dirname(join(root, key)), { recursive: true });
    await writeFile(join(root, key), key);
  }
}

/** Lists keys and unreadable entries, the latter as `path: code`, in the order of their reports. */
async function list(backend: StorageBackend, options: ListOptions = {}): Promise<string[]> {
  const told: string[] = [];
  const pages = backend.list({
    ...options,
    onUnreadable: ({ path, error }) => told.push(`${path}: ${error.code}`),
  });
  for await (const { objects, prefixes } of pages)
    told.push(...objects.map(({ key }) => key), ...prefixes.map((prefix) => `${prefix}/`));
  return told;
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-unreadable-"));
});

afterEach(async () => {
  spawnSync("chmod", ["-R", "u+rwx", root]);
  await rm(root, { recursive: true, force: true });
});

describe.skipIf(process.platform === "win32")("a folder that cannot be read", () => {
  beforeEach(async () => {
    await write(
      "raw/a/1.csv",
      "raw/locked/deep/2.csv",
      "raw/names only/3.csv",
      "raw/names only/4.csv",
      "raw/z/5.csv",
    );
    if (process.getuid?.() === 0) spawnSync("chown", ["-R", String(NOBODY), root]);
    await chmod(join(root, "raw/locked"), 0);
    // Its names can be read, but not the facts of its files.
    await chmod(join(root, "raw/names only"), 0o400);
  });

  const UNREADABLE = ["raw/locked: permission_denied", "raw/names only: permission_denied"];

  it("is reported, and the others are listed", async () => {
    await asOrdinaryUser(async () => {
      const backend = await createLocalBackend({ root });
      const told = await list(backend);
      expect(told).toEqual([...UNREADABLE, "raw/a/1.csv", "raw/z/5.csv"]);
      const children = await list(backend, { prefix: parsePrefix("raw"), delimiter: "/" });
      expect(children).toEqual([UNREADABLE[0], "raw/a/", "raw/names only/", "raw/z/"]);
    });
  });

  it("is reported by the name that a key would have, also below a prefix, as a link is", async () => {
    await symlink("elsewhere", join(root, "raw", "link"));
    await asOrdinaryUser(async () => {
      const below = prefixed(await createLocalBackend({ root }), parsePrefix("raw"));
      const told: string[] = [];
      const tell = ({ path }: { readonly path: string }): unknown => told.push(path);
      for await (const _ of listObjects(below, { onSkipped: tell, onUnreadable: tell }));
      expect(told).toEqual(["link", "locked", "names only"]);
    });
  });

  it("fails a listing without onUnreadable, with its name", async () => {
    await asOrdinaryUser(async () => {
      const backend = await createLocalBackend({ root });
      const all = async (): Promise<void> => {
        for await (const _ of listObjects(backend));
      };
      await expect(all()).rejects.toMatchObject({
        code: "permission_denied",
        path: "raw/locked",
        message: expect.stringContaining(`list ${join(root, "raw/locked")}: access is denied`),
      });
    });
  });

  it("fails a listing that starts there, with or without onUnreadable", async () => {
    await asOrdinaryUser(async () => {
      const backend = await createLocalBackend({ root });
      for (const prefix of ["raw/locked", "raw/names only"])
        await expect(list(backend, { prefix: parsePrefix(prefix) })).rejects.toMatchObject({
          code: "permission_denied",
          path: expect.stringContaining(prefix),
        });
    });
  });

  it("is not reported instead of a missing drive", async () => {
    await asOrdinaryUser(async () => {
      const backend = await createLocalBackend({ root });
      const unplug = (): void => renameSync(root, `${root}-elsewhere`);
      const use = async (): Promise<void> => {
        for await (const _ of backend.list({ onUnreadable: unplug }));
      };
      await expect(use()).rejects.toThrow(`the data root ${root} is gone`);
      renameSync(`${root}-elsewhere`, root);
    });
  });
});
