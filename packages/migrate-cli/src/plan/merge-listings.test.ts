import type { Key } from "@parquetry/core";
import { compareKeys, type ObjectInfo } from "@parquetry/core/backend";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergeListings } from "./merge-listings.ts";

const info = (key: string, etag = "x"): ObjectInfo => ({
  // Any non-empty string is a key here.
  key: key as Key,
  sizeBytes: 1,
  etag,
  lastModified: new Date(0),
});

async function* listing(keys: Iterable<string>, onReturn: () => void = () => {}): AsyncGenerator<ObjectInfo> {
  try {
    for (const key of keys) yield info(key);
  } finally {
    onReturn();
  }
}

const keySets = fc
  .uniqueArray(fc.string({ unit: "grapheme", minLength: 1, maxLength: 4 }))
  .map((keys) => keys.sort(compareKeys));

describe("mergeListings", () => {
  it("pairs the objects of both sides, and yields every key once, in order", async () => {
    await fc.assert(
      fc.asyncProperty(keySets, keySets, async (left, right) => {
        const pairs = [];
        for await (const pair of mergeListings(listing(left), listing(right))) pairs.push(pair);
        expect(pairs.map(({ key }) => key)).toEqual([...new Set([...left, ...right])].sort(compareKeys));
        for (const { key, source, target } of pairs) {
          expect(source?.key).toBe(left.includes(key) ? key : undefined);
          expect(target?.key).toBe(right.includes(key) ? key : undefined);
        }
      }),
    );
  });

  it("compares keys in UTF-8 order, where JavaScript's own order differs", async () => {
    const pairs = [];
    for await (const pair of mergeListings(listing(["\uFF5E", "🏈"]), listing(["🏈"]))) pairs.push(pair);
    expect(pairs.map(({ key, target }) => [key, target !== undefined])).toEqual([
      ["\uFF5E", false],
      ["🏈", true],
    ]);
  });

  it.each([
    ["unsorted", ["b", "a"]],
    ["repeated", ["a", "a"]],
  ])("refuses a listing that is %s", async (_, keys) => {
    const merged = (async () => {
      for await (const _pair of mergeListings(listing(keys), listing([])));
    })();
    await expect(merged).rejects.toMatchObject({ code: "corrupt" });
  });

  it("closes both listings if its reader stops early, and if one fails", async () => {
    let closed = 0;
    const open = (keys: string[]): AsyncGenerator<ObjectInfo> => listing(keys, () => closed++);
    for await (const _ of mergeListings(open(["a", "b"]), open(["a", "c"]))) break;
    expect(closed).toBe(2);
    const failing = (async () => {
      for await (const _ of mergeListings(open(["b", "a"]), open(["c", "d", "e"])));
    })();
    await expect(failing).rejects.toMatchObject({ code: "corrupt" });
    expect(closed).toBe(4);
  });

  it("holds one object of each side, and never runs ahead of its reader", async () => {
    let given = 0;
    function* endless(): Generator<string> {
      for (;;) yield String(1_000_000 + given++);
    }
    let read = 0;
    for await (const _ of mergeListings(listing(endless()), listing([]))) if (++read === 100) break;
    expect(given).toBeLessThan(103);
  });
});
