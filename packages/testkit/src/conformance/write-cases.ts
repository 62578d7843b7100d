import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { isStorageError } from "@parquetry/core";
import type { ConformanceCase } from "./conformance-case.ts";
import { expectCode } from "./expect-code.ts";
import { getText, key, keysBelow, noise, putText, utf8 } from "./sample.ts";

const RACERS = 8;

/** The guarantees for writers. */
export const WRITE_CASES: readonly ConformanceCase[] = [
  {
    name: "replaces a whole object and changes its ETag, even for the same size within the same instant",
    async run(backend) {
      const tags = new Set<string>();
      for (let i = 0; i < 20; i++) tags.add(await putText(backend, "a", String(i % 10)));
      assert.ok(tags.size >= 10, "each content has another ETag");
      assert.equal(await getText(backend, "a"), "9");
      await putText(backend, "a", "a longer text");
      assert.equal(await getText(backend, "a"), "a longer text");
    },
  },
  {
    name: "stores empty objects",
    async run(backend) {
      await backend.put(key("a/empty"), new Uint8Array());
      assert.equal((await backend.head(key("a/empty"))).sizeBytes, 0);
      assert.equal((await (await backend.get(key("a/empty"))).body.bytes()).byteLength, 0);
      assert.deepEqual(await keysBelow(backend, "a"), ["a/empty"]);
    },
  },
  {
    name: "accepts bytes, a stream of unknown length or a replayable body, of any size",
    async run(backend) {
      const bytes = noise(9 * 1024 * 1024 + 17, 5);
      async function* pieces(): AsyncGenerator<Uint8Array> {
        for (let i = 0; i < bytes.byteLength; i += 100_003) yield bytes.subarray(i, i + 100_003);
      }
      async function* between(start: number, end: number): AsyncGenerator<Uint8Array> {
        yield bytes.subarray(start, end);
      }
      await backend.put(key("stream"), pieces());
      await backend.put(key("replayable"), {
        sizeBytes: bytes.byteLength,
        open: ({ start, end = bytes.byteLength } = { start: 0 }) => between(start, end),
      });
      await backend.put(key("bytes"), bytes);
      for (const name of ["stream", "replayable", "bytes"]) {
        const { body } = await backend.get(key(name));
        const found = createHash("sha256")
          .update(await body.bytes())
          .digest("hex");
        assert.equal(found, createHash("sha256").update(bytes).digest("hex"), name);
      }
    },
  },
  {
    name: "lets the caller reuse the buffer of a put as soon as it has resolved",
    async run(backend) {
      // Also memory that threads share.
      for (const memory of [new ArrayBuffer(100_000), new SharedArrayBuffer(100_000)]) {
        const bytes = new Uint8Array(memory, 1000, 50_000).fill(1);
        const name = memory instanceof ArrayBuffer ? "own" : "shared";
        await backend.put(key(name), bytes);
        bytes.fill(2);
        const stored = await (await backend.get(key(name))).body.bytes();
        assert.ok(stored.byteLength === 50_000 && stored.every((byte) => byte === 1), name);
      }
    },
  },
  {
    name: "stores nothing, and keeps the old object, if a body fails half-way",
    async run(backend) {
      await putText(backend, "kept", "old");
      const broken = async function* (): AsyncGenerator<Uint8Array> {
        yield noise(2 * 1024 * 1024);
        throw new Error("the source broke");
      };
      await assert.rejects(backend.put(key("kept"), broken()));
      await assert.rejects(backend.put(key("never"), broken()));
      assert.equal(await getText(backend, "kept"), "old");
      assert.deepEqual(await keysBelow(backend), ["kept"]);
    },
  },
  {
    name: "rejects a body that does not match its sha256 or md5 with corrupt, and stores nothing",
    async run(backend) {
      const right = createHash("sha256").update("right").digest("hex");
      const rightMd5 = createHash("md5").update("right").digest("hex");
      await expectCode("corrupt", () => backend.put(key("a"), utf8("wrong"), { sha256: right }));
      await expectCode("corrupt", () => backend.put(key("a"), utf8("wrong"), { md5: rightMd5 }));
      await expectCode("not_found", () => backend.head(key("a")));
      await backend.put(key("a"), utf8("right"), { sha256: right, md5: rightMd5 });
      assert.equal(await getText(backend, "a"), "right");
    },
  },
  {
    name: 'creates an object with ifNoneMatch "*", and rejects with already_exists if there is one',
    async run(backend) {
      await backend.put(key("a"), utf8("one"), { ifNoneMatch: "*" });
      await expectCode("already_exists", () => backend.put(key("a"), utf8("two"), { ifNoneMatch: "*" }));
      assert.equal(await getText(backend, "a"), "one");
    },
  },
  {
    name: "replaces the version that ifMatch names, and rejects with precondition_failed for another one or none",
    async run(backend) {
      await expectCode("precondition_failed", () => backend.put(key("none"), utf8("x"), { ifMatch: "abc" }));
      const first = await putText(backend, "a", "one");
      const { etag } = await backend.put(key("a"), utf8("two"), { ifMatch: first });
      await expectCode("precondition_failed", () => backend.put(key("a"), utf8("three"), { ifMatch: first }));
      await backend.put(key("a"), utf8("four"), { ifMatch: etag });
      assert.equal(await getText(backend, "a"), "four");
    },
  },
  {
    name: "lets exactly one of several concurrent creators of a key win",
    async run(backend) {
      const tries = Array.from({ length: RACERS }, async (_, i) => {
        try {
          await backend.put(key("race"), utf8(`racer ${i}`), { ifNoneMatch: "*" });
          return i;
        } catch (error) {
          if (isStorageError(error, "already_exists")) return undefined;
          throw error;
        }
      });
      const winners = (await Promise.all(tries)).filter((winner) => winner !== undefined);
      assert.equal(winners.length, 1);
      assert.equal(await getText(backend, "race"), `racer ${winners[0]}`);
    },
  },
  {
    name: "loses no compare-and-swap increment of concurrent writers",
    async run(backend, { writers, incrementsPerWriter }) {
      await putText(backend, "counter", "0");
      const increment = async (): Promise<void> => {
        for (;;) {
          const { info, body } = await backend.get(key("counter"));
          const value = Number(new TextDecoder().decode(await body.bytes()));
          try {
            await backend.put(key("counter"), utf8(String(value + 1)), { ifMatch: info.etag });
            return;
          } catch (error) {
            if (!isStorageError(error, "precondition_failed")) throw error;
          }
        }
      };
      await Promise.all(
        Array.from({ length: writers }, async () => {
          for (let i = 0; i < incrementsPerWriter; i++) await increment();
        }),
      );
      assert.equal(await getText(backend, "counter"), String(writers * incrementsPerWriter));
    },
  },
  {
    name: "shows a reader one whole version during concurrent puts",
    async run(backend) {
      const version = (i: number): Uint8Array => new Uint8Array(300_000).fill(i);
      await backend.put(key("a"), version(0));
      let writing = true;
      const read = async (): Promise<void> => {
        while (writing) {
          const { body } = await backend.get(key("a"));
          const bytes = await body.bytes();
          // Without this, a memory backend that paces its writes by a timer would never run it.
          await setImmediate();
          assert.equal(bytes.byteLength, 300_000);
          assert.ok(
            bytes.every((byte) => byte === bytes[0]),
            "one version, not two",
          );
        }
      };
      const readers = [read(), read()];
      for (let i = 1; i <= 15; i++) await backend.put(key("a"), version(i));
      writing = false;
      await Promise.all(readers);
    },
  },
  {
    name: "copies the bytes of an object and obeys preconditions on the target",
    async run(backend) {
      await putText(backend, "from here/a b.txt", "content");
      await backend.copy(key("from here/a b.txt"), key("to/ü%20+=.txt"));
      assert.equal(await getText(backend, "to/ü%20+=.txt"), "content");
      await putText(backend, "other", "other");
      const { etag } = await backend.head(key("to/ü%20+=.txt"));
      await expectCode("already_exists", () =>
        backend.copy(key("other"), key("to/ü%20+=.txt"), { ifNoneMatch: "*" }),
      );
      await expectCode("precondition_failed", () =>
        backend.copy(key("other"), key("to/ü%20+=.txt"), { ifMatch: `${etag}x` }),
      );
      assert.equal(await getText(backend, "to/ü%20+=.txt"), "content");
    },
  },
  {
    name: "deletes the given keys with one result each, and treats missing keys as deleted",
    async run(backend) {
      for (const name of ["d/1", "d/2", "d/3/4", "keep"]) await putText(backend, name, name);
      const results: string[] = [];
      for await (const result of backend.delete([key("d/1"), key("d/3/4"), key("not/there")])) {
        assert.equal(result.error, undefined);
        results.push(result.key);
      }
      assert.deepEqual(results.sort(), ["d/1", "d/3/4", "not/there"]);
      assert.deepEqual(await keysBelow(backend), ["d/2", "keep"]);
    },
  },
  {
    name: "rejects every operation with aborted if its signal has fired, and stores nothing",
    async run(backend) {
      await putText(backend, "a", "old");
      const { signal } = { signal: AbortSignal.abort() };
      await expectCode("aborted", () => backend.head(key("a"), { signal }));
      await expectCode("aborted", () => backend.get(key("a"), { signal }));
      await expectCode("aborted", () => backend.put(key("a"), utf8("new"), { signal }));
      await expectCode("aborted", () => backend.copy(key("a"), key("b"), { signal }));
      await expectCode("aborted", async () => {
        for await (const _ of backend.list({ signal })) break;
      });
      await expectCode("aborted", async () => {
        for await (const _ of backend.delete([key("a")], { signal })) break;
      });
      assert.equal(await getText(backend, "a"), "old");
    },
  },
  {
    name: "stores nothing if a put is aborted half-way",
    async run(backend) {
      const controller = new AbortController();
      const slow = async function* (): AsyncGenerator<Uint8Array> {
        yield noise(1024 * 1024);
        controller.abort();
        yield noise(1024 * 1024);
      };
      await expectCode("aborted", () => backend.put(key("a"), slow(), { signal: controller.signal }));
      assert.deepEqual(await keysBelow(backend), []);
    },
  },
];
