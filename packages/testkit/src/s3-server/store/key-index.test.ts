import { compareKeys } from "@parquetry/core/backend";
import { describe, expect, it } from "vitest";
import { listPage } from "../operations/object-listing.ts";
import { KeyIndex } from "./key-index.ts";

function byBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

/** Deterministic keys with shared prefixes and characters of several planes. */
function someKeys(count: number): string[] {
  const parts = ["a", "b", ".", "/", "é", "\u{ff5e}", "\u{1f600}", "0", "a/", "month=1/"];
  let state = 7;
  const next = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state >> 8;
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + (next() % 6) }, () => parts[next() % parts.length]).join(""),
  );
}

describe("KeyIndex", () => {
  it("stays sorted through insertions and deletions", () => {
    const index = new KeyIndex<string>();
    const model = new Set<string>();
    for (const [at, key] of someKeys(5000).entries()) {
      if (at % 3 === 2) expect(index.delete(key)).toBe(model.delete(key));
      else {
        index.set(key, key);
        model.add(key);
      }
    }
    const sorted = [...model].sort(byBytes);
    expect(sorted.length).toBeGreaterThan(1000);
    expect([...index.scan(() => false)]).toEqual(sorted);
    const middle = sorted[500] ?? "";
    expect([...index.scan((key) => compareKeys(key, middle) <= 0)]).toEqual(sorted.slice(501));
    expect(index.size).toBe(sorted.length);
    for (const key of sorted) index.delete(key);
    expect([...index.scan(() => false)]).toEqual([]);
  });
});

describe("listPage", () => {
  const keys = [...new Set(someKeys(600))].sort(byBytes);
  const index = new KeyIndex<{ key: string }>();
  for (const key of keys) index.set(key, { key });

  /** The whole listing, by the definition. */
  function expected(prefix: string, delimiter: string): string[] {
    const items = keys
      .filter((key) => key.startsWith(prefix))
      .map((key) => {
        const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
        return at === -1 ? key : key.slice(0, at + delimiter.length);
      });
    return [...new Set(items)];
  }

  it.each([
    ["", "", 7],
    ["", "/", 1],
    ["a", "/", 2],
    ["a/", "a", 3],
    ["é", "", 1000],
    ["\u{1f600}", "\u{ff5e}", 1],
    ["none", "/", 5],
  ])("pages through prefix %j, delimiter %j, %i at a time", (prefix, delimiter, maxKeys) => {
    const found: string[] = [];
    for (let after = "", more = true; more; ) {
      const page = listPage({ prefix, delimiter, after, maxKeys }, (isBefore) => index.scan(isBefore));
      const items = [...page.entries.map((entry) => entry.key), ...page.commonPrefixes].sort(byBytes);
      expect(items.length).toBeLessThanOrEqual(maxKeys);
      expect(page.isTruncated && items.length < maxKeys).toBe(false);
      found.push(...items);
      more = page.isTruncated;
      after = page.last;
    }
    expect(found).toEqual(expected(prefix, delimiter));
  });
});
