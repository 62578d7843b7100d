import type { Key } from "@parquetry/core";
import { compareKeys, type ObjectInfo } from "@parquetry/core/backend";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ListingPair, mergeListings } from "./merge-listings.ts";

const info = (key: string, etag = "x"): ObjectInfo => ({
  // Any non-empty string is a key here.
  key: key as Key,
  sizeBytes: 1,
  etag,
  lastModified: new Date(0),
});

/** Lists keys by pages of `size`, with empty pages in between. */
async function* listing(
  keys: Iterable<string>,
  onReturn: () => void = () => {},
  size = 1,
): AsyncGenerator<ObjectInfo[]> {
  let page: ObjectInfo[] = [];
  try {
    for (const key of keys) {
      if (page.push(info(key)) < size) continue;
      yield page;
      yield [];
      page = [];
    }
    yield page;
  } finally {
    onReturn();
  }
}

/** All pairs of a merge. */
async function merged(...sides: Parameters<typeof mergeListings>): Promise<ListingPair[]> {
  const pairs: ListingPair[] = [];
  for await (const batch of mergeListings(...sides)) pairs.push(...batch);
  return pairs;
}

const sizes = fc.integer({ min: 1, max: 5 });
const keySets = fc
  .uniqueArray(fc.string({ unit: "grapheme", minLength: 1, maxLength: 4 }))
  .map((keys) => keys.sort(compareKeys));

describe("mergeListings", () => {
  it("pairs the objects of both sides, and yields every key once, in order", async () => {
    await fc.assert(
      fc.asyncProperty(keySets, keySets, sizes, sizes, async (left, right, leftSize, rightSize) => {
        const pairs = await merged(listing(left, undefined, leftSize), listing(right, undefined, rightSize));
        expect(pairs.map(({ key }) => key)).toEqual([...new Set([...left, ...right])].sort(compareKeys));
        for (const { key, source, target } of pairs) {
          expect(source?.key).toBe(left.includes(key) ? key : undefined);
          expect(target?.key).toBe(right.includes(key) ? key : undefined);
        }
      }),
    );
  });

  it("compares keys in UTF-8 order, where JavaScript's own order differs", async () => {
    const pairs = await merged(listing(["\uFF5E", "🏈"]), listing(["🏈"]));
    expect(pairs.map(({ key, target }) => [key, target !== undefined])).toEqual([
      ["\uFF5E", false],
      ["🏈", true],
    ]);
  });

  it.each([
    ["unsorted", ["b", "a"], 1],
    ["unsorted within a page", ["b", "a"], 2],
    ["repeated", ["a", "a"], 1],
    ["repeated within a page", ["a", "a"], 2],
  ])("refuses a listing that is %s", async (_, keys, size) => {
    const found = merged(listing(keys, undefined, size), listing([]));
    await expect(found).rejects.toMatchObject({ code: "corrupt" });
  });

  it("closes both listings if its reader stops early, and if one fails", async () => {
    let closed = 0;
    const open = (keys: string[]): AsyncGenerator<ObjectInfo[]> => listing(keys, () => closed++);
    for await (const _ of mergeListings(open(["a", "b"]), open(["a", "c"]))) break;
    expect(closed).toBe(2);
    await expect(merged(open(["b", "a"]), open(["c", "d", "e"]))).rejects.toMatchObject({ code: "corrupt" });
    expect(closed).toBe(4);
  });

  it("holds one page of each side, and never runs ahead of its reader", async () => {
    let given = 0;
    function* endless(): Generator<string> {
      for (;;) yield String(1_000_000 + given++);
    }
    let read = 0;
    for await (const _ of mergeListings(listing(endless()), listing([]))) if (++read === 100) break;
    expect(given).toBeLessThan(103);
  });
});
