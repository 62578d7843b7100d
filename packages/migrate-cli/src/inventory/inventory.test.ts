import { describe, expect, it } from "vitest";
import { memoryTree } from "../../test/support/memory-tree.ts";
import { inventory } from "./inventory.ts";

describe("inventory", () => {
  it("counts folders, entities with partitions, and formats", async () => {
    const backend = await memoryTree({
      "README.md": "12",
      "raw/plays/year=2024/week=1/a.parquet": "1234",
      "raw/plays/year=2024/week=1/b.parquet": "12",
      "raw/plays/year=2024/week=1/manifest.json": "{}",
      "raw/plays/year=2024/week=10/a.parquet": "1",
      "raw/plays/year=2024/z.csv": "1",
      "raw/plays/year=2024/a.csv": "1",
      "raw/lookup/teams.CSV": "12",
      "raw/lookup/.DS_Store": "x",
      "processed/x/noext": "",
    });
    const found = await inventory(backend);
    expect(found).toMatchObject({ files: 9, bytes: 15, leftOut: { ds_store: 1 } });
    expect(found.folders).toEqual([
      { name: ".", files: 1, bytes: 2 },
      { name: "processed", files: 1, bytes: 0 },
      { name: "raw", files: 7, bytes: 13 },
    ]);
    expect(found.entities).toEqual([
      { name: ".", files: 1, bytes: 2, partitions: 0, keys: [] },
      { name: "processed/x", files: 1, bytes: 0, partitions: 0, keys: [] },
      { name: "raw/lookup", files: 1, bytes: 2, partitions: 0, keys: [] },
      { name: "raw/plays", files: 6, bytes: 11, partitions: 3, keys: ["year"] },
    ]);
    expect(found.formats).toEqual([
      { name: "parquet", files: 3, bytes: 7 },
      { name: "csv", files: 3, bytes: 4 },
      { name: "manifest", files: 1, bytes: 2 },
      { name: "md", files: 1, bytes: 2 },
      { name: "other", files: 1, bytes: 0 },
    ]);
  });

  it("counts the selected files alone", async () => {
    const backend = await memoryTree({ "raw/p/year=1/a": "1", "raw/p/year=2/a": "1", "other/a": "1" });
    expect(await inventory(backend, { include: ["raw/"], where: ["year=2"] })).toMatchObject({ files: 1 });
  });
});
