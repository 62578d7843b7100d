import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseShard, shardOf } from "./shard.ts";

describe("shards", () => {
  it("are disjoint and complete: every key is in exactly one", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 500 }), (key, count) => {
        const owners = Array.from({ length: count }, (_, index) => parseShard(`${index}/${count}`)).filter(
          ({ index }) => shardOf(key, count) === index,
        );
        expect(owners).toHaveLength(1);
      }),
    );
  });

  it("are stable: the hash of a key never changes", () => {
    expect(["raw/plays/a.parquet", "raw/plays/b.parquet", "é"].map((key) => shardOf(key, 1000))).toEqual(
      STABLE,
    );
  });

  it("are about equally large", () => {
    const sizes = [0, 0, 0, 0];
    for (let i = 0; i < 4000; i++) {
      const shard = shardOf(`raw/plays/year=2024/week=${i}/data.parquet`, 4);
      sizes[shard] = (sizes[shard] ?? 0) + 1;
    }
    for (const size of sizes) expect(size).toBeGreaterThan(850);
  });

  it.each(["4/4", "1", "a/b", "-1/4", "0/0", "1/2/3", ""])("rejects %j", (text) => {
    expect(() => parseShard(text)).toThrow(/counted from 0/);
  });
});

/** Fixed values computed by SHA-256, since machines with different versions share a migration. */
const STABLE = [393, 249, 43];
