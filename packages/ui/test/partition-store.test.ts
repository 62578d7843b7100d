import { parsePartitionSegment } from "@parquetry/core/unstable";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PartitionStore } from "../src/data/partition-store.ts";
import { packPartitions, unpackPartitions } from "../src/map/packed-partitions.ts";
import { foldersAt, isBelow, type PartitionTable, valuesAt } from "../src/map/partitions.ts";

const NAMES = ["files", "bytes"] as const;
type Name = (typeof NAMES)[number];

/** The table as the page gets it. */
const sent = (table: PartitionTable<Name>): PartitionTable<Name> =>
  unpackPartitions(packPartitions(table).buffer);

describe("a table of partitions", () => {
  // Folders of one value in several spellings, of other keys at the same depth, and of names like those of an object.
  const folder = fc.constantFrom(
    ...["k=1", "k=2", "k=a%20b", "k=a b", "K=1", "other=1", "k=", "k=__HIVE_DEFAULT_PARTITION__"],
    ...["k=__proto__", "constructor=1", "k=ü"],
  );

  it("arrives with every folder, value and number, whatever the order and the depth of the files", () => {
    const amount = fc.oneof(fc.nat(300), fc.nat(70_000), fc.constantFrom(0, 2 ** 32, 2 ** 50));
    const file = fc.record({ folders: fc.array(folder, { maxLength: 3 }), amount });
    fc.assert(
      fc.property(fc.array(file, { maxLength: 60 }), (files) => {
        const store = new PartitionStore(NAMES);
        const model = new Map<
          string,
          { readonly folders: readonly string[]; files: number; bytes: number }
        >();
        for (const { folders, amount: bytes } of files) {
          const known = model.get(folders.join("/")) ?? { folders, files: 0, bytes: 0 };
          model.set(folders.join("/"), { ...known, files: known.files + 1, bytes: known.bytes + bytes });
          const index = store.indexOf(folders);
          store.add("files", index, 1);
          store.add("bytes", index, bytes);
        }
        const longest = Math.max(0, ...files.map(({ folders }) => folders.length));
        const table = sent(store.table("t", ["k", "k", "k"].slice(0, longest), true));
        expect(table.size).toBe(model.size);
        for (const [index, own] of [...model.values()].entries()) {
          expect(foldersAt(table, index)).toEqual(own.folders);
          const values = own.folders.map((name) => parsePartitionSegment(name)?.[1] ?? null);
          expect(valuesAt(table, index)).toEqual(values);
          expect(isBelow(table, values)(index)).toBe(true);
          expect([table.numbers.files[index], table.numbers.bytes[index]]).toEqual([own.files, own.bytes]);
        }
      }),
    );
  });

  it("has a partition once whose files come before and after many deeper partitions", () => {
    const store = new PartitionStore(NAMES);
    const index = store.indexOf(["k=1"]);
    for (let i = 0; i < 1000; i++) store.indexOf(["k=1", `l=${i}`]);
    expect(store.indexOf(["k=1"])).toBe(index);
    expect(store.size).toBe(1001);
  });

  it("of a million partitions of three keys takes less than 15 MB", () => {
    const store = new PartitionStore(NAMES);
    for (let i = 0; i < 1_000_000; i++) {
      const [year, week, game] = [2000 + Math.floor(i / 40_000), Math.floor(i / 800) % 50, i % 800];
      const index = store.indexOf([`year=${year}`, `week=${week}`, `game=${game}`]);
      store.add("files", index, 1);
      store.add("bytes", index, (i * 7919) % 3_000_000);
    }
    const table = store.table("t", ["year", "week", "game"], true);
    const packed = packPartitions(table);
    // Four bytes each are left for the time of the newest write.
    expect(packed.length).toBeLessThan(11_000_000);
    expect(foldersAt(unpackPartitions(packed.buffer), 999_999)).toEqual(foldersAt(table, 999_999));
  });
});
