import { describe, expect, it } from "vitest";
import type { Key } from "../bytes/key.ts";
import { Partition } from "../hive/partition.ts";
import { AHEAD_BYTES, openAhead } from "./open-ahead.ts";
import type { PartitionFolder } from "./partition-tree.ts";

const FILE_BYTES = 1024 * 1024;
const FILES = 12;
/** How many of these partitions fit into the bytes that are opened ahead. */
const FIT = Math.floor(AHEAD_BYTES / (FILES * FILE_BYTES));

/** A partition of many small files. */
function folder(n: number): PartitionFolder {
  const partition = Partition.of([["n", n]]);
  // Written as a key.
  const prefix = `t/n=${n}` as Key;
  const files = Array.from({ length: FILES }, (_, i) => ({
    name: `${i}.parquet`,
    format: "parquet" as const,
    info: {
      key: `${prefix}/${i}.parquet` as Key,
      sizeBytes: FILE_BYTES,
      etag: "e",
      lastModified: new Date(0),
    },
  }));
  return { partition, prefix, files, manifest: undefined, oldManifest: undefined, pending: [] };
}

const FOLDERS = Array.from({ length: 40 }, (_, n) => folder(n));

describe("openAhead", () => {
  it("yields all partitions in order, and holds no more bytes than its limit", async () => {
    let held = 0;
    let most = 0;
    const seen: (string | null | undefined)[] = [];
    const open = async (): Promise<[]> => {
      most = Math.max(most, ++held);
      await new Promise((done) => setImmediate(done));
      return [];
    };
    for await (const { folder: opened } of openAhead(FOLDERS, open)) {
      seen.push(opened.partition.get("n"));
      await new Promise((done) => setTimeout(done, 1));
      held--;
    }
    expect(seen).toEqual(FOLDERS.map((_, n) => String(n)));
    expect(most).toBeGreaterThan(1);
    // One more is admitted while the caller still counts the one that it has just used.
    expect(most).toBeLessThanOrEqual(FIT + 1);
  });

  it("ends when its caller leaves it, and opens no more", async () => {
    let opens = 0;
    const open = async (): Promise<[]> => {
      opens++;
      return [];
    };
    for await (const _ of openAhead(FOLDERS, open)) break;
    expect(opens).toBeLessThanOrEqual(FIT + 1);
  });

  it.each([0, 3, 20])("throws the error of partition %i after the partitions before it", async (bad) => {
    const seen: unknown[] = [];
    const reading = (async () => {
      const opened = openAhead(FOLDERS, async ({ partition }) => {
        if (partition.get("n") === String(bad)) throw new Error("unreadable");
        return [];
      });
      for await (const { folder: one } of opened) seen.push(one);
    })();
    await expect(reading).rejects.toThrow("unreadable");
    expect(seen).toEqual(FOLDERS.slice(0, bad));
  });

  it("opens a partition above the limit alone", async () => {
    const huge: PartitionFolder = {
      ...folder(0),
      files: Array.from({ length: 100 }, () => folder(0).files[0]).flatMap((file) => file ?? []),
    };
    const seen: unknown[] = [];
    for await (const { folder: one } of openAhead([huge, folder(1)], async () => [])) seen.push(one);
    expect(seen).toHaveLength(2);
  });
});
