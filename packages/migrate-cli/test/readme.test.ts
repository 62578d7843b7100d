import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const README = readFileSync(new URL("../README.md", import.meta.url), "utf8");

describe("README", () => {
  it("has an example that prints what its comments say", async () => {
    const example = /```ts\n([\s\S]*?)```/.exec(README)?.[1] ?? "";
    const printed: unknown[][] = [];
    const body = example.replace(/^import \{(.*)\} from "(.*)";$/gm, 'const {$1} = await load("$2");');
    const load = (name: string): Promise<unknown> =>
      name === "@parquetry/core" ? import("@parquetry/core") : import("../src/index.ts");
    const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
    await AsyncFunction(
      "load",
      "console",
      body,
    )(load, { log: (...values: unknown[]) => printed.push(values) });
    expect(printed).toEqual([
      [1, true],
      ["raw: local=1 cloud=1 missing=0 extra=0 differing=0 unverifiable=0"],
    ]);
    expect(example).toContain("// 1 true");
  });
});
