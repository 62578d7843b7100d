import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openHashCache } from "./hash-cache.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parquetry-test-cache-"));
  path = join(folder, "deep", "md5");
});
afterEach(() => rmSync(folder, { recursive: true }));

const md5 = (i: number): string => i.toString(16).padStart(32, "0");

describe("openHashCache", () => {
  it("keeps hashes by URL and version, also after it is opened again", () => {
    const first = openHashCache(path);
    for (let i = 0; i < 3000; i++) first.set(`/data/${i}`, "v1", md5(i));
    expect(first.get("/data/7", "v1")).toBe(md5(7));
    first.close();
    const second = openHashCache(path);
    for (let i = 0; i < 3000; i++) expect(second.get(`/data/${i}`, "v1")).toBe(md5(i));
    expect(second.get("/data/7", "v2")).toBeUndefined();
    expect(second.get("/data", "7v1")).toBeUndefined();
    second.close();
  });

  it("drops an incomplete last record and keeps the others", () => {
    const first = openHashCache(path);
    first.set("/a", "v", md5(1));
    first.close();
    appendFileSync(path, Buffer.alloc(17, 1));
    const second = openHashCache(path);
    expect(second.get("/a", "v")).toBe(md5(1));
    second.set("/b", "v", md5(2));
    second.close();
    expect(readFileSync(path).byteLength).toBe(72);
    const third = openHashCache(path);
    expect(third.get("/b", "v")).toBe(md5(2));
    third.close();
  });

  it("works in memory if the file cannot be used, and reports that", () => {
    const blocked = join(folder, "file");
    writeFileSync(blocked, "");
    const problems: string[] = [];
    const cache = openHashCache(join(blocked, "md5"), (problem) => problems.push(problem));
    cache.set("/a", "v", md5(1));
    expect(cache.get("/a", "v")).toBe(md5(1));
    expect(problems).toHaveLength(1);
    cache.close();
  });

  it("rejects what is not a hash, which would displace the records behind it", () => {
    const cache = openHashCache(path);
    for (const wrong of ["", "x", "0".repeat(31), "G".repeat(32), 5, null, {}]) {
      // A caller without types may pass anything.
      const set = (): void => cache.set("/a", "v", wrong as string);
      expect(set).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    }
    cache.close();
    expect(readFileSync(path).byteLength).toBe(0);
  });
});
