import fc from "fast-check";
import { expect, it } from "vitest";
import type { ScanFile } from "../../files/scan-file.ts";
import { packFiles, unpackFiles } from "./packed-files.ts";

/** Few texts, so that files share shapes, and some that JSON escapes. */
const text = fc.constantFrom("", "a", "raw/plays/year=2024/a.parquet", 'b"\\\n\0', "日本", "\ud800");

const scanFile: fc.Arbitrary<ScanFile> = fc
  .record({
    kind: fc.constantFrom("local" as const, "remote" as const),
    key: text,
    root: fc.option(text, { nil: undefined }),
    elsewhere: text,
    etag: fc.option(text, { nil: undefined }),
    footerPath: fc.option(text, { nil: undefined }),
    entries: fc.array(fc.tuple(text, fc.option(text))),
    nullColumns: fc.option(fc.array(text), { nil: undefined }),
  })
  .map(({ key, root, elsewhere, etag, ...rest }) => ({
    ...rest,
    key,
    path: root === undefined ? elsewhere : root + key,
    version: etag === undefined ? elsewhere : `${key}\n${etag}`,
  }));

it("packs files of any kind, and unpacks the same files in the same order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(scanFile), async (files) => {
      const packed = structuredClone(await packFiles(files));
      expect(unpackFiles(packed)).toEqual(files);
    }),
  );
});

it("packs more files than fit into one string of it", async () => {
  const files = Array.from({ length: 12_001 }, (_, i): ScanFile => {
    const key = `raw/plays/game=${i}/a.parquet`;
    return {
      kind: "local",
      key,
      path: `/data/${key}`,
      version: `${key}\n${i}`,
      entries: [["game", String(i)]],
    };
  });
  const packed = await packFiles(files);
  expect(packed.chunks.length).toBe(3);
  expect(packed.shapes.length).toBe(1);
  expect(unpackFiles(packed)).toEqual(files);
});
