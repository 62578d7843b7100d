/**
 * The Parquet encoder. It writes one row group at a time, column by column: a column's values are split into leaves, stored in one
 * pass as the bytes of pages, and compressed by Snappy. The event loop turns between the steps of a column,
 * and memory is that of one row group. docs/decisions/0027 has the figures.
 */
export { ByteSink } from "./byte-sink.ts";
export { leavesOf, shred, shredFlat, type Values } from "./shred.ts";
export { Misfit, writeChunk } from "./write-chunk.ts";
export { type WrittenGroup, writeFooter } from "./write-footer.ts";
