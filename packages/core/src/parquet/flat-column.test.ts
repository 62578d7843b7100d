import { type ColumnMetaData, parquetRead, parquetSchema } from "hyparquet";
import { expect, it } from "vitest";
import { chunkRange } from "./column-chunks.ts";
import type { ColumnSchema } from "./column-type.ts";
import { FlatColumn, flatKind } from "./flat-column.ts";
import { checkedColumns, FileBudget, piecesOf, type UnpackedPage, unpackChunk } from "./guard/index.ts";
import { parseFooter } from "./parse-footer.ts";
import { PARSERS, toJs } from "./value-reader.ts";
import { encodeParquet } from "./write-parquet.ts";

/** Damaged copies of each column chunk. `PARQUETRY_FUZZ` is the number of the long run. */
const COPIES = Number(process.env["PARQUETRY_FUZZ"] ?? 200);
const ROWS = 165;
const COLUMNS: readonly ColumnSchema[] = [
  { name: "small", type: "int64" },
  { name: "large", type: "int64" },
  { name: "double", type: "double" },
  { name: "flag", type: "boolean" },
  { name: "text", type: "string" },
  { name: "team", type: "string" },
  { name: "one", type: "string" },
  { name: "none", type: "string" },
];
const table = Array.from({ length: ROWS }, (_, i) => ({
  small: i % 7 === 0 ? null : i,
  large: [2n ** 53n - BigInt(i), -(2n ** 53n) + BigInt(i % 3), -(2n ** 63n), i][i % 4],
  double: [i / 7, -0, Number.NaN, null][i % 4],
  flag: i % 3 === 0,
  text: `play ${i} \uFEFFé`.repeat(i % 3),
  team: i % 5 === 0 ? null : `team ${i % 3}`,
  one: "one",
  none: null,
}));

let state = 7;
const random = (below: number): number => {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  return (state >>> 8) % below;
};

it("returns what hyparquet returns, also for damaged pages", async () => {
  const file = await encodeParquet(table, COLUMNS);
  const metadata = parseFooter(file);
  const tree = parquetSchema(metadata);
  const { leaves } = checkedColumns(metadata.schema, file.byteLength, {});
  let decoded = 0;
  let refused = 0;
  for (const { meta_data: chunk } of metadata.row_groups[0]?.columns ?? []) {
    const name = chunk?.path_in_schema[0] ?? "";
    const node = tree.children.find(({ element }) => element.name === name);
    const kind = node && flatKind(node);
    const leaf = leaves.get(`.${name}`);
    if (chunk === undefined || kind === undefined || leaf === undefined)
      throw new Error(`${name} is not flat`);
    const { start, end } = chunkRange(chunk);
    for (let copy = 0; copy < COPIES; copy++) {
      const bytes = file.slice(start, end);
      // The first copy is whole.
      for (let i = Math.min(copy, random(3)); i > 0; i--) {
        const at = random(bytes.byteLength);
        bytes[at] = [(bytes[at] ?? 0) ^ (1 << random(8)), 0, 1, 127, 255][random(5)] ?? 0;
      }
      let pages: UnpackedPage[];
      try {
        pages = [...unpackChunk(bytes, chunk, leaf, new FileBudget(file.byteLength))];
      } catch {
        continue;
      }
      const found = new Array<unknown>(ROWS).fill(null);
      const column = new FlatColumn(kind, leaf);
      let from = 0;
      const isDecoded = pages.every((page) => {
        if (page.kind === "dictionary") return column.takeDictionary(page);
        from += page.values;
        return column.decode(page, found, from - page.values);
      });
      if (copy === 0) expect(isDecoded, name).toBe(true);
      if (isDecoded) {
        expect(found, `${name}, copy ${copy}`).toEqual(await byHyparquet(metadata, chunk, pages));
        decoded++;
      } else refused++;
    }
  }
  expect(decoded).toBeGreaterThan(COLUMNS.length);
  expect(refused).toBeGreaterThan(0);
});

async function byHyparquet(
  metadata: ReturnType<typeof parseFooter>,
  chunk: ColumnMetaData,
  pages: readonly UnpackedPage[],
): Promise<unknown[]> {
  const bytes = new Uint8Array(Buffer.concat(pages.flatMap(piecesOf))).buffer;
  const { dictionary_page_offset: _, ...rest } = chunk;
  const unpacked: ColumnMetaData = {
    ...rest,
    codec: "UNCOMPRESSED",
    data_page_offset: 0n,
    total_compressed_size: BigInt(bytes.byteLength),
  };
  const values: unknown[] = [];
  await parquetRead({
    file: { byteLength: bytes.byteLength, slice: (start, end) => bytes.slice(start, end) },
    metadata: {
      ...metadata,
      row_groups: metadata.row_groups.map((group) => ({
        ...group,
        columns: [{ meta_data: unpacked, file_offset: 0n }],
      })),
    },
    columns: [chunk.path_in_schema[0] ?? ""],
    utf8: false,
    parsers: PARSERS,
    onChunk: ({ columnData }) => {
      for (const value of columnData) values.push(toJs(value));
    },
  });
  return values;
}
