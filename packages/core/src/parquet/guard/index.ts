/**
 * The checks that guard the decoders: hyparquet, and `flat-column.ts`. A decoder that believes the sizes, counts and run lengths in
 * a damaged or hostile file can loop for hours, or allocate until the process dies. So before a decoder sees a file, its footer
 * is checked against the file's size, and each page is decompressed to exactly the size that its header says and walked once: run
 * lengths, delta blocks, level counts. No value is decoded here. docs/decisions/0009 has the cases and what the checks cost.
 */
export { type CheckedColumns, type CheckedSchema, checkedColumns, checkedSchema } from "./checked-schema.ts";
export { loadCodecs } from "./decompress-page.ts";
export { FileBudget } from "./file-budget.ts";
export { checkLimit, LimitError, type ParquetLimits } from "./limits.ts";
export type { LeafFacts } from "./page-body.ts";
export { listHeaderBytes, ThriftReader, zigzagBytes } from "./thrift-reader.ts";
export { piecesOf, type UnpackedPage, unpackChunk } from "./unpack-chunk.ts";
