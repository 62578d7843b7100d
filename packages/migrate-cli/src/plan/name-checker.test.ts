import type { Key } from "@parquetry/core";
import { compareKeys } from "@parquetry/core/backend";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createNameChecker } from "./name-checker.ts";

const BUCKET = { keyNormalization: "none", hierarchicalKeys: false, maxKeyBytes: 1024 } as const;
const refusedOf = (
  names: readonly string[],
  target: Parameters<typeof createNameChecker>[0],
  options?: Parameters<typeof createNameChecker>[1],
): string[] => {
  const check = createNameChecker(target, options);
  // All these names are keys.
  return [...names].sort(compareKeys).filter((name) => check(name as Key) !== undefined);
};

describe("createNameChecker", () => {
  it("rejects decomposed names only if the target would rename them", () => {
    const composed = "raw/team=San Jos\u00e9 State/a";
    const decomposed = "raw/team=San Jose\u0301 State/a";
    expect(refusedOf([composed, decomposed], { ...BUCKET, keyNormalization: "NFC" })).toEqual([decomposed]);
    expect(refusedOf([composed, decomposed], BUCKET)).toEqual([]);
  });

  it("rejects names that a prefix makes too long", () => {
    expect(refusedOf(["short", "é".repeat(10)], { ...BUCKET, maxKeyBytes: 19 })).toEqual(["é".repeat(10)]);
  });

  it("rejects names that no file can have, for a target with folders", () => {
    const long = [`raw/${"é".repeat(128)}`, `${"x".repeat(256)}/a`];
    const names = [...long, `raw/${"x".repeat(255)}`];
    expect(refusedOf(names, BUCKET)).toEqual([]);
    expect(refusedOf(names, { ...BUCKET, hierarchicalKeys: true })).toEqual([...long].sort(compareKeys));
  });

  it("rejects a second name that differs only in case if the target cannot distinguish them", () => {
    const names = ["Raw/a", "raw/A", "raw/a", "raw/b"];
    expect(refusedOf(names, BUCKET)).toEqual([]);
    expect(refusedOf(names, BUCKET, { caseInsensitive: true })).toEqual(["raw/A", "raw/a"]);
  });

  it("rejects a file below a file for a target with folders, whatever is between them", () => {
    const disk = { ...BUCKET, hierarchicalKeys: true };
    expect(refusedOf(["a", "a.b", "a-1/x", "a/b", "a/b/c", "b/c"], disk)).toEqual(["a/b", "a/b/c"]);
    const names = fc.uniqueArray(
      fc
        .array(fc.constantFrom("a", "b", "a.", "a0"), { minLength: 1, maxLength: 3 })
        .map((segments) => segments.join("/")),
    );
    fc.assert(
      fc.property(names, (keys) => {
        const expected = keys.filter((key) => keys.some((other) => key.startsWith(`${other}/`)));
        expect(refusedOf(keys, disk)).toEqual(expected.sort(compareKeys));
      }),
    );
  });
});
