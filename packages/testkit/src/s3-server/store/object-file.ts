import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { ObjectRecord } from "./object-store.ts";

/** The end of every object file, so that a truncated file is never taken for an object. */
const MAGIC = "PQTKOBJ1";
/** The record's length as an unsigned 32-bit integer, then the magic. */
const TAIL_BYTES = 4 + MAGIC.length;

/**
 * Encodes the footer that follows an object's bytes in its file: the record as JSON, its length, a magic. Body and metadata
 * share one file so that one rename commits both.
 */
export function encodeObjectFooter(record: ObjectRecord): Buffer {
  const json = Buffer.from(JSON.stringify(record));
  const tail = Buffer.alloc(TAIL_BYTES);
  tail.writeUInt32BE(json.length);
  tail.write(MAGIC, 4, "latin1");
  return Buffer.concat([json, tail]);
}

/** Reads the record at the end of an object file. Returns `undefined` for a damaged or foreign file. */
export function readObjectFooter(path: string): ObjectRecord | undefined {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    if (size < TAIL_BYTES) return undefined;
    const tail = Buffer.alloc(TAIL_BYTES);
    readSync(fd, tail, 0, TAIL_BYTES, size - TAIL_BYTES);
    const length = tail.readUInt32BE(0);
    if (tail.toString("latin1", 4) !== MAGIC || length > size - TAIL_BYTES) return undefined;
    const json = Buffer.alloc(length);
    readSync(fd, json, 0, length, size - TAIL_BYTES - length);
    // Only this module writes a record before the magic.
    const record = JSON.parse(json.toString()) as ObjectRecord;
    return record.size === size - TAIL_BYTES - length ? record : undefined;
  } finally {
    closeSync(fd);
  }
}
