import { createMemoryBackend, partition, Storage, type StorageBackend } from "@parquetry/core";
import type { ListPage } from "@parquetry/core/backend";
import { describe, expect, it } from "vitest";

/** A store that, like a directory, lists names first and their facts later: `between` runs after the names were listed. */
function tornLists(beneath: StorageBackend, between: () => Promise<void>): StorageBackend {
  let torn = false;
  return {
    ...beneath,
    async *list(options): AsyncGenerator<ListPage> {
      const pages: ListPage[] = [];
      for await (const page of beneath.list(options)) pages.push(page);
      if (!torn && pages.some(({ objects }) => objects.length > 0)) {
        torn = true;
        await between();
      }
      for (const { objects, prefixes } of pages) {
        const now = await Promise.all(objects.map(({ key }) => beneath.head(key).catch(() => undefined)));
        yield { objects: now.filter((info) => info !== undefined), prefixes };
      }
    },
  };
}

describe("a listing whose manifest is newer than its names", () => {
  const place = partition({ year: 2024 });

  it.each([true, false])("misleads no writer (overwrite: %s) and no reader", async (overwrite) => {
    const beneath = createMemoryBackend();
    const other = new Storage(beneath);
    await other.write("raw/games", [{ a: 1 }], place);
    const torn = new Storage(
      tornLists(beneath, async () => {
        await other.write("raw/games", [{ a: 2 }], place, { overwrite: false });
      }),
    );
    await torn.write("raw/games", [{ a: 3 }], place, { overwrite });
    expect((await other.readIndex("raw/games")).map((row) => row["a"])).toEqual(overwrite ? [3] : [1, 2, 3]);
    expect(await other.listFiles()).toHaveLength(overwrite ? 2 : 4);

    const reader = new Storage(
      tornLists(beneath, async () => {
        await other.write("raw/games", [{ a: 4 }], place);
      }),
    );
    expect((await reader.readIndex("raw/games")).map((row) => row["a"])).toEqual([4]);
  });
});
