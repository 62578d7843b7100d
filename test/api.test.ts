import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { apiShapes } from "./support/api-shapes.ts";
import { manifest, PACKAGES, ROOT } from "./support/sources.ts";

describe.each(PACKAGES)("packages/%s", (name) => {
  it("has the public shapes that its API snapshot records", async () => {
    await expect(apiShapes(name)).toMatchFileSnapshot(join(ROOT, "packages", name, "api.snapshot.txt"));
  });

  it("names every export in its entry points", () => {
    for (const target of Object.values(manifest(name).exports)) {
      if (typeof target === "string") continue;
      const entry = target.default.replace("./dist/", "src/").replace(/\.js$/, ".ts");
      expect(readFileSync(join(ROOT, "packages", name, entry), "utf8"), entry).not.toMatch(/export \*/);
    }
  });
});
