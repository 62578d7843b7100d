import assert from "node:assert/strict";
import { abilityCase } from "./ability-case.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { expectCode } from "./expect-code.ts";
import { key, md5, noise } from "./sample.ts";

/** The guarantees of hashed reads. */
export const HASHED_READ_CASES: readonly ConformanceCase[] = [
  abilityCase(
    "hashedReads",
    "reads a listed version whole and returns its MD5, up to maxFileBytes",
    async (reads, backend) => {
      reads.prepare();
      const sizes = [0, 1, 100_000, reads.maxFileBytes];
      for (const [i, size] of sizes.entries()) await backend.put(key(`h/${i}`), noise(size, i + 1));
      let answered = 0;
      for await (const page of backend.list({ prefix: key("h") })) {
        for (const info of page.objects) {
          const read = await reads.read(info.key, info);
          // A disk that is slow to answer may leave a read to `get`, not all of them.
          if (read === undefined) continue;
          answered++;
          const content = noise(info.sizeBytes, Number(info.key.slice(2)) + 1);
          assert.equal(Buffer.compare(read.bytes, content), 0, info.key);
          assert.equal(read.md5, md5(content));
          read.release();
        }
      }
      assert.ok(answered > 0, "every read was left to `get`");
    },
  ),
  abilityCase(
    "hashedReads",
    "reads a range of a large object and returns its MD5, and leaves a range above maxFileBytes, or beyond the end, to get",
    async (reads, backend) => {
      const { maxFileBytes } = reads;
      const content = noise(maxFileBytes + 1000, 3);
      const version = await backend.put(key("h/large"), content);
      const sizeBytes = content.byteLength;
      for (const [start, end] of [
        [0, maxFileBytes],
        [maxFileBytes, sizeBytes],
        [500, 500],
        [sizeBytes - 1, sizeBytes],
      ] as const) {
        const read = await reads.read(key("h/large"), version, { range: { start, end } });
        assert.ok(read !== undefined, `${start} to ${end} was left to get`);
        assert.equal(Buffer.compare(read.bytes, content.subarray(start, end)), 0, `${start} to ${end}`);
        assert.equal(read.md5, md5(content.subarray(start, end)));
        read.release();
      }
      for (const range of [
        { start: 0, end: maxFileBytes + 1 },
        { start: sizeBytes - 1, end: sizeBytes + 1 },
        { start: 7, end: 6 },
      ])
        assert.equal(await reads.read(key("h/large"), version, { range }), undefined);
      await backend.put(key("h/large"), noise(sizeBytes, 4));
      assert.equal(await reads.read(key("h/large"), version, { range: { start: 0, end: 9 } }), undefined);
    },
  ),
  abilityCase(
    "hashedReads",
    "returns undefined for another version, a missing object and one above maxFileBytes",
    async (reads, backend) => {
      const { sizeBytes, etag } = await backend.put(key("h/a"), noise(1000));
      await backend.put(key("h/a"), noise(1000, 2));
      assert.equal(await reads.read(key("h/a"), { sizeBytes, etag }), undefined);
      assert.equal(await reads.read(key("h/none"), { sizeBytes, etag }), undefined);
      const large = await backend.put(key("h/large"), noise(reads.maxFileBytes + 1));
      assert.equal(await reads.read(key("h/large"), large), undefined);
    },
  ),
  abilityCase(
    "hashedReads",
    "has at most maxOutstandingBytes out, and goes on when some are released",
    async (reads, backend) => {
      const size = reads.maxFileBytes;
      const fits = Math.floor(reads.maxOutstandingBytes / size);
      const version = await backend.put(key("h/a"), noise(size));
      let out = 0;
      const held: (() => void)[] = [];
      const all = Array.from({ length: fits + 3 }, async () => {
        const read = await reads.read(key("h/a"), version);
        if (read === undefined) return;
        out += size;
        assert.ok(out <= reads.maxOutstandingBytes, `${out} bytes are out`);
        held.push(() => {
          out -= size;
          read.release();
        });
      });
      const ended = Promise.all(all).then(() => true);
      let isOver = false;
      while (!isOver) {
        // Time in which a read that need not wait would come.
        for (let i = 0; i < 3; i++) await (await backend.get(key("h/a"))).body.bytes();
        for (const release of held.splice(0)) release();
        isOver = await Promise.race([ended, new Promise<false>((resolve) => setImmediate(resolve, false))]);
      }
      for (const release of held.splice(0)) release();
      assert.equal(out, 0);
    },
  ),
  abilityCase(
    "hashedReads",
    "hashes several listed versions together, in order, and leaves other versions and too many bytes to read",
    async (reads, backend) => {
      const { hashTogether, maxFileBytes } = reads;
      if (hashTogether === undefined) return;
      const sizes = [100_000, 0, 63, 64, 1, 55, 56, 70_000, 16_384];
      const versions = [];
      for (const [i, size] of sizes.entries()) {
        const { etag } = await backend.put(key(`h/${i}`), noise(size, i + 1));
        versions.push({ key: key(`h/${i}`), sizeBytes: size, etag });
      }
      const hashes = await hashTogether(versions);
      assert.equal(hashes.length, versions.length);
      for (const [i, size] of sizes.entries()) {
        // A disk that is slow to answer may leave some to `get`.
        if (hashes[i] !== undefined) assert.equal(hashes[i].md5, md5(noise(size, i + 1)), `${size} bytes`);
      }
      const [first, second] = versions;
      assert.ok(first !== undefined && second !== undefined);
      await backend.put(first.key, noise(first.sizeBytes, 77));
      assert.equal((await hashTogether([first, second]))[0], undefined);
      assert.equal((await hashTogether([{ ...second, key: key("h/none") }]))[0], undefined);
      assert.deepEqual(await hashTogether([]), []);
      const large = await backend.put(key("h/large"), noise(maxFileBytes));
      const one = await backend.put(key("h/one"), noise(1));
      const tooMany = await hashTogether([
        { ...large, key: key("h/large") },
        { ...one, key: key("h/one") },
      ]);
      assert.deepEqual(tooMany, [undefined, undefined]);
      await expectCode("aborted", () => hashTogether([second], { signal: AbortSignal.abort() }));
    },
  ),
  abilityCase(
    "hashedReads",
    "rejects a hashed read with aborted when its signal has fired",
    async (reads, backend) => {
      const version = await backend.put(key("h/a"), noise(1000));
      await expectCode("aborted", () => reads.read(key("h/a"), version, { signal: AbortSignal.abort() }));
    },
  ),
];
