import { describe, expect, it } from "vitest";
import { bucketName, keyPrefix, unbrokenText, type ValueShape, webUrl, yesOrNo } from "./value-shapes.ts";

describe("the shapes of values", () => {
  it.each<readonly [ValueShape<boolean | string>, string, boolean | string]>([
    [bucketName, "my.bucket-1", "my.bucket-1"],
    [unbrokenText, "a/b+c=", "a/b+c="],
    [webUrl, "http://localhost:9000", "http://localhost:9000"],
    [webUrl, " HTTPS://[::1]/a\tb\n", "HTTPS://[::1]/ab"],
    [keyPrefix, "nfl/2024/", "nfl/2024"],
    ...["true", "1", "Yes", "on", "y", "ENABLED"].map((word) => [yesOrNo, word, true] as const),
    ...["false", "0", "No", "off", "n", "DISABLED"].map((word) => [yesOrNo, word, false] as const),
  ])("%# understand %j", (shape, text, value) => {
    expect(shape(text)).toEqual({ value });
  });

  it.each<readonly [ValueShape<boolean | string>, string]>([
    ...["ab", "-ab", "ab-", "aB1", "a_b", "a".repeat(64), "abc\n"].map((text) => [bucketName, text] as const),
    ...["a b", "a\n", " a"].map((text) => [unbrokenText, text] as const),
    ...["localhost:9000", "http:/a", "http:a", "ftp://a", "http://", "http://a:b", "ht\ntp://a"].map(
      (text) => [webUrl, text] as const,
    ),
    ...["", "maybe", " true"].map((text) => [yesOrNo, text] as const),
    ...["/", "/a", "a//b", "a/../b", ".", "a//"].map((text) => [keyPrefix, text] as const),
  ])("%# refuse %j", (shape, text) => {
    expect(shape(text)).toEqual({ problem: expect.any(String) });
  });
});
