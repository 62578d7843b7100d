import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseKey } from "@parquetry/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { UploadRecord } from "./read-upload-record.ts";
import { openUploadJournal } from "./upload-journal.ts";

const URL_OF_FILE = "s3://bucket/raw/file";
const MD5 = "0123456789abcdef0123456789abcdef";
const STATE = {
  ...{ key: "raw/file", uploadId: "u", writeId: "w", sizeBytes: 20, partSizeBytes: 10, asked: 1 },
  parts: [{ number: 1, etag: "e", md5: MD5 }],
};
const RECORD: UploadRecord = { url: URL_OF_FILE, key: "raw/file", etag: "v1", begunAt: 5, state: STATE };

describe("openUploadJournal", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "journal-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("keeps records beyond the end of a process, and deletes them", async () => {
    await openUploadJournal(folder).set(RECORD);
    const later = openUploadJournal(folder);
    expect(later.get(URL_OF_FILE)).toEqual(RECORD);
    expect(later.records()).toEqual([RECORD]);
    later.delete(URL_OF_FILE);
    expect([later.get(URL_OF_FILE), later.records()]).toEqual([undefined, []]);
  });

  it("ends with the last state of each upload, and each state, or a later one, is there once its call resolves", async () => {
    const journal = openUploadJournal(folder);
    const key = "raw/other";
    const other = { ...RECORD, url: `s3://bucket/${key}`, key, state: { ...STATE, key } };
    const withAsked = (asked: number): UploadRecord => ({ ...RECORD, state: { ...STATE, asked } });
    const calls = [1, 2, 3, 4, 5].map(async (asked) => {
      await journal.set(withAsked(asked));
      expect(journal.get(URL_OF_FILE)?.state?.asked).toBeGreaterThanOrEqual(asked);
    });
    await Promise.all([...calls, journal.set(other)]);
    expect(journal.get(URL_OF_FILE)).toEqual(withAsked(5));
    expect(journal.get(other.url)).toEqual(other);
    await journal.set(withAsked(6));
    expect(journal.get(URL_OF_FILE)).toEqual(withAsked(6));
  });

  it.each([
    ["no state", { ...RECORD, state: undefined }],
    ["a state that was asked for once", { ...RECORD, state: { ...STATE, asked: undefined } }],
  ])("reads a record with %s", async (_, record) => {
    expect((await rewritten(record)).records).toEqual([JSON.parse(JSON.stringify(record))]);
  });

  it.each<[string, unknown]>([
    ["is incomplete", '{"url":'],
    ["is binary noise", "\u0000\u0001\uFFFD"],
    ["is not an object", "null"],
    ["is an array", "[]"],
    ["is larger than any record", JSON.stringify({ ...RECORD, more: "x".repeat(9_000_000) })],
    ["lacks its key", { ...RECORD, key: undefined }],
    ["is of a key outside the root", { ...RECORD, key: "../raw/file" }],
    ["is of another URL", { ...RECORD, url: "s3://other/raw/file" }],
    ["has a time that is not a number", { ...RECORD, begunAt: "5" }],
    ["has a time before 1970", { ...RECORD, begunAt: -5 }],
    ["has a time that no date has", { ...RECORD, begunAt: 1e300 }],
    ["has an ETag of another kind", { ...RECORD, etag: ["v1"] }],
  ])("drops and reports a record that %s", async (_, record) => {
    const { records, problems } = await rewritten(record);
    expect(records).toEqual([]);
    expect(problems).toEqual([expect.stringContaining("is sent from its start")]);
    expect(readdirSync(folder)).toEqual([]);
  });

  const part = (number: unknown): unknown => ({ number, etag: "e", md5: MD5 });
  it.each<[string, unknown]>([
    ["is null", null],
    ["lacks the upload's id", { ...STATE, uploadId: undefined }],
    ["is of another key", { ...STATE, key: "raw/other" }],
    ["is of a key outside the root", { ...STATE, key: "/raw/file" }],
    ["has a count that is not a number", { ...STATE, asked: "1" }],
    ["has a negative size", { ...STATE, sizeBytes: -20 }],
    ["has no size", { ...STATE, sizeBytes: null }],
    ["has parts of no bytes", { ...STATE, partSizeBytes: 0 }],
    ["has parts of a negative size", { ...STATE, partSizeBytes: -1 }],
    ["has parts of half bytes", { ...STATE, partSizeBytes: 1.5 }],
    ["has parts of more bytes than a part can have", { ...STATE, partSizeBytes: 1e18 }],
    ["has more parts than an upload can have", { ...STATE, sizeBytes: 200_000, partSizeBytes: 10 }],
    ["has no array of parts", { ...STATE, parts: {} }],
    ["has a part without its MD5", { ...STATE, parts: [{ number: 1, etag: "e" }] }],
    ["has a part with another MD5", { ...STATE, parts: [{ number: 1, etag: "e", md5: "y" }] }],
    ["has a part with a line break in its ETag", { ...STATE, parts: [{ number: 1, etag: "e\n", md5: MD5 }] }],
    ["has part 0", { ...STATE, parts: [part(0)] }],
    ["has part -1", { ...STATE, parts: [part(-1)] }],
    ["has part 1e9", { ...STATE, parts: [part(1e9)] }],
    ["has part __proto__", { ...STATE, parts: [part("__proto__")] }],
    ["has one part more than the file", { ...STATE, parts: [part(1), part(2), part(3)] }],
    ["has a part twice", { ...STATE, parts: [part(1), part(1)] }],
    ["has parts out of order", { ...STATE, parts: [part(2), part(1)] }],
  ])("keeps only the key and time of a record whose state %s, and reports it once", async (_, state) => {
    const { records, problems } = await rewritten({ ...RECORD, state });
    const { state: __, ...rest } = RECORD;
    expect(records).toEqual([rest]);
    expect(problems).toEqual([expect.stringContaining("raw/file is ignored")]);
    expect(openUploadJournal(folder, () => expect.unreachable()).records()).toEqual([rest]);
  });

  it("reads whatever a record was turned into as a possible record, or drops it", async () => {
    const text = JSON.stringify(RECORD);
    const value = fc.constantFrom(
      "null",
      "-1",
      "1e400",
      "0.5",
      '""',
      "{}",
      "[]",
      '"../x"',
      '{"__proto__":{}}',
      "true",
    );
    const cut = fc.record({ at: fc.nat(text.length), length: fc.nat(20), put: fc.oneof(value, fc.string()) });
    await fc.assert(
      fc.asyncProperty(fc.array(cut, { minLength: 1, maxLength: 3 }), async (cuts) => {
        const changed = cuts.reduce(
          (now, { at, length, put }) => now.slice(0, at) + put + now.slice(at + length),
          text,
        );
        const { records, problems } = await rewritten(changed);
        for (const { key, begunAt, state } of records) {
          parseKey(key);
          expect(Number.isNaN(new Date(begunAt).getTime())).toBe(false);
          if (state === undefined) continue;
          const count = state.sizeBytes / state.partSizeBytes;
          expect(count > 0 && count <= 10_000).toBe(true);
          for (const { number } of state.parts) expect(number >= 1 && number <= Math.ceil(count)).toBe(true);
        }
        expect(records.length + problems.length).toBeGreaterThan(0);
      }),
    );
  });

  it("leaves other files in its folder alone", () => {
    writeFileSync(join(folder, "notes.json"), "{}");
    expect(openUploadJournal(folder).records()).toEqual([]);
    expect(readdirSync(folder)).toEqual(["notes.json"]);
  });

  /** Returns the records and the problems of the journal after the content of its only record was replaced. */
  async function rewritten(content: unknown): Promise<{
    readonly records: readonly UploadRecord[];
    readonly problems: readonly string[];
  }> {
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    const problems: string[] = [];
    const journal = openUploadJournal(folder, (problem) => problems.push(problem));
    await journal.set(RECORD);
    const text = typeof content === "string" ? content : JSON.stringify(content);
    for (const name of readdirSync(folder)) writeFileSync(join(folder, name), text);
    return { records: journal.records(), problems };
  }
});
