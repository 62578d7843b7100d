import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openUploadJournal, type UploadRecord } from "./upload-journal.ts";

const URL_OF_FILE = "s3://bucket/raw/file";
const STATE = {
  ...{ key: "raw/file", uploadId: "u", writeId: "w", sizeBytes: 20, partSizeBytes: 10, asked: 1 },
  parts: [{ number: 1, etag: "e", md5: "m" }],
};
const RECORD: UploadRecord = { url: URL_OF_FILE, key: "raw/file", etag: "v1", begunAt: 5, state: STATE };

describe("openUploadJournal", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "journal-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("keeps records beyond the end of a process, and deletes them", () => {
    openUploadJournal(folder).set(RECORD);
    const later = openUploadJournal(folder);
    expect(later.get(URL_OF_FILE)).toEqual(RECORD);
    expect(later.records()).toEqual([RECORD]);
    later.delete(URL_OF_FILE);
    expect([later.get(URL_OF_FILE), later.records()]).toEqual([undefined, []]);
  });

  it.each([
    ["no state", { ...RECORD, state: undefined }],
    ["a state that was asked for once", { ...RECORD, state: { ...STATE, asked: undefined } }],
  ])("reads a record with %s", (_, record) => {
    expect(rewritten(record)).toEqual([JSON.parse(JSON.stringify(record))]);
  });

  it.each([
    ["is incomplete", '{"url":'],
    ["is not an object", "null"],
    ["lacks its key", { ...RECORD, key: undefined }],
    ["has an invalid time", { ...RECORD, begunAt: "5" }],
    ["has an invalid state", { ...RECORD, state: null }],
    ["lacks the upload's id", { ...RECORD, state: { ...STATE, uploadId: undefined } }],
    ["has an invalid count", { ...RECORD, state: { ...STATE, asked: "1" } }],
    ["has no array of parts", { ...RECORD, state: { ...STATE, parts: {} } }],
    ["has a part without its MD5", { ...RECORD, state: { ...STATE, parts: [{ number: 1, etag: "e" }] } }],
  ])("starts again if a record %s", (_, record) => {
    expect(rewritten(record)).toEqual([]);
  });

  /** Returns the records of the journal after the content of its only record was replaced. */
  function rewritten(content: unknown): readonly UploadRecord[] {
    const journal = openUploadJournal(folder);
    journal.set(RECORD);
    const text = typeof content === "string" ? content : JSON.stringify(content);
    for (const name of readdirSync(folder)) writeFileSync(join(folder, name), text);
    return journal.records();
  }
});
