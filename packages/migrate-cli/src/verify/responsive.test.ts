import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBackend, parseKey, type StorageBackend } from "@parquetry/core";
import { openBackend } from "@parquetry/storage/backend";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { longestHold, MOST_MS } from "../../../../test/support/longest-hold.ts";
import { doctor } from "../doctor/doctor.ts";
import { inventory } from "../inventory/inventory.ts";
import { planMigration } from "../plan/plan-migration.ts";
import { verifyMigration } from "./verify-migration.ts";

const FILES = 20_000;

type Call = (signal?: AbortSignal) => Promise<unknown>;

let folder: string;
let disk: StorageBackend;
let empty: StorageBackend;
const memory = createMemoryBackend();
const copy = createMemoryBackend();
let large: StorageBackend;
let largeCopy: StorageBackend;

const closed = async (result: Promise<{ close(): void }>): Promise<void> => (await result).close();
const check = (backend: StorageBackend, signal?: AbortSignal): Promise<unknown> =>
  doctor([{ name: "root", isSource: true, open: async () => ({ ...backend, close: async () => {} }) }], {
    signal,
  });

const calls: Readonly<Record<string, Call>> = {
  "planMigration of a disk": (signal) => closed(planMigration(disk, empty, { signal })),
  "planMigration in memory": (signal) => closed(planMigration(memory, copy, { signal })),
  "verifyMigration of a disk": (signal) => closed(verifyMigration(disk, memory, { signal })),
  "verifyMigration in memory": (signal) => closed(verifyMigration(memory, copy, { signal })),
  "verifyMigration of all content": (signal) =>
    closed(verifyMigration(memory, copy, { level: "full", signal })),
  "verifyMigration of a large file": (signal) =>
    closed(verifyMigration(large, largeCopy, { level: "full", signal })),
  "inventory of a disk": (signal) => closed(inventory(disk, { signal })),
  "inventory in memory": (signal) => closed(inventory(memory, { signal })),
  "doctor of a disk": (signal) => check(disk, signal),
  "doctor in memory": (signal) => check(memory, signal),
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "parquetry-responsive-"));
  mkdirSync(join(folder, "empty"));
  for (let i = 0; i < FILES; i++) {
    const partition = join(folder, "root", "raw", `y=${i % 1000}`);
    if (i < 1000) mkdirSync(partition, { recursive: true });
    writeFileSync(join(partition, `f${i}.csv`), String(i));
    for (const tree of [memory, copy])
      await tree.put(parseKey(`raw/y=${i % 1000}/f${i}.csv`), Buffer.from(String(i)));
  }
  for (const name of ["large", "copy"]) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "large"), Buffer.alloc(200_000_000, 7));
  }
  large = await openBackend(join(folder, "large"));
  largeCopy = await openBackend(join(folder, "copy"));
  disk = await openBackend(join(folder, "root"));
  empty = await openBackend(join(folder, "empty"));
}, 120_000);
afterAll(async () => {
  for (const backend of [disk, empty, large, largeCopy]) await backend.close();
  rmSync(folder, { recursive: true });
});

describe("the event loop", { timeout: 60_000 }, () => {
  it.each(Object.keys(calls))("runs other work during %s", async (name) => {
    expect(await longestHold(async () => calls[name]?.())).toBeLessThan(MOST_MS);
  });

  it.each(Object.keys(calls))("lets an abort end %s", async (name) => {
    const controller = new AbortController();
    // Early enough on a machine that is several times as fast.
    setTimeout(() => controller.abort(), 5);
    await expect(calls[name]?.(controller.signal)).rejects.toMatchObject({ code: "aborted" });
  });
});
