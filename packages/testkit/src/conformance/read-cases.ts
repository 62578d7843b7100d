import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { ConformanceCase } from "./conformance-case.ts";
import { expectCode } from "./expect-code.ts";
import { getText, key, noise, putText } from "./sample.ts";

/** The guarantees for readers. */
export const READ_CASES: readonly ConformanceCase[] = [
  {
    name: "returns the bytes that were put, and the metadata of the object",
    async run(backend) {
      const bytes = noise(100_001);
      const put = await backend.put(key("a/b.bin"), bytes);
      const { info, body } = await backend.get(key("a/b.bin"));
      assert.deepEqual(new Uint8Array(await body.bytes()), bytes);
      assert.equal(info.key, "a/b.bin");
      assert.equal(info.sizeBytes, bytes.byteLength);
      assert.equal(info.etag, put.etag);
      assert.equal(put.sizeBytes, bytes.byteLength);
      assert.ok(Math.abs(info.lastModified.getTime() - Date.now()) < 600_000, "lastModified is about now");
    },
  },
  {
    name: "returns the same metadata from head, get and list",
    async run(backend) {
      await putText(backend, "a/x", "hello");
      const head = await backend.head(key("a/x"));
      const { info, body } = await backend.get(key("a/x"));
      await body.cancel();
      for await (const page of backend.list({ prefix: key("a") })) {
        for (const listed of page.objects) {
          assert.equal(listed.etag, head.etag);
          assert.equal(listed.sizeBytes, head.sizeBytes);
        }
      }
      assert.equal(info.etag, head.etag);
      assert.equal(head.sizeBytes, 5);
    },
  },
  {
    name: "rejects a get, head or copy of a missing key with not_found",
    async run(backend) {
      await putText(backend, "a/b", "x");
      await expectCode("not_found", () => backend.get(key("a/c")));
      await expectCode("not_found", () => backend.head(key("a/c")));
      await expectCode("not_found", () => backend.get(key("a")));
      await expectCode("not_found", () => backend.head(key("a")));
      await expectCode("not_found", () => backend.head(key("no/such/folder")));
      await expectCode("not_found", () => backend.copy(key("a/c"), key("a/d")));
    },
  },
  {
    name: "returns exactly the bytes of a range, and shortens one that ends beyond the object",
    async run(backend) {
      const bytes = noise(1000, 7);
      await backend.put(key("r"), bytes);
      const slice = async (
        range: { start: number; end?: number } | { last: number },
      ): Promise<Uint8Array> => {
        const { info, body } = await backend.get(key("r"), { range });
        assert.equal(info.sizeBytes, 1000, "info is about the whole object");
        return new Uint8Array(await body.bytes());
      };
      assert.deepEqual(await slice({ start: 0, end: 1 }), bytes.slice(0, 1));
      assert.deepEqual(await slice({ start: 10, end: 20 }), bytes.slice(10, 20));
      assert.deepEqual(await slice({ start: 990 }), bytes.slice(990));
      assert.deepEqual(await slice({ start: 990, end: 5000 }), bytes.slice(990));
      assert.deepEqual(await slice({ last: 8 }), bytes.slice(-8));
      assert.deepEqual(await slice({ last: 5000 }), bytes);
    },
  },
  {
    name: "rejects a malformed range, or one that starts beyond the object, with invalid_argument",
    async run(backend) {
      await putText(backend, "r", "0123456789");
      await putText(backend, "empty", "");
      await expectCode("invalid_argument", () => backend.get(key("r"), { range: { start: 10 } }));
      await expectCode("invalid_argument", () => backend.get(key("r"), { range: { start: 99, end: 100 } }));
      await expectCode("invalid_argument", () => backend.get(key("r"), { range: { start: 5, end: 5 } }));
      await expectCode("invalid_argument", () => backend.get(key("r"), { range: { start: -1 } }));
      await expectCode("invalid_argument", () => backend.get(key("r"), { range: { last: 0 } }));
      await expectCode("invalid_argument", () => backend.get(key("empty"), { range: { start: 0, end: 1 } }));
      await expectCode("invalid_argument", () => backend.get(key("empty"), { range: { last: 4 } }));
    },
  },
  {
    name: "returns the bytes that were put, of any size, from a get that verifies",
    async run(backend) {
      for (const bytes of [new Uint8Array(), noise(100_000, 11), noise(9 * 1024 * 1024, 12)]) {
        await backend.put(key("v"), bytes);
        const { body } = await backend.get(key("v"), { verify: true });
        assert.deepEqual(new Uint8Array(await body.bytes()), bytes);
      }
      const { body } = await backend.get(key("v"), { verify: true, range: { start: 5, end: 15 } });
      assert.deepEqual(new Uint8Array(await body.bytes()), noise(9 * 1024 * 1024, 12).slice(5, 15));
    },
  },
  {
    name: "returns the same bytes, whole or in chunks, from a get whose body may reuse its memory",
    async run(backend) {
      for (const size of [0, 1, 100_000, 9 * 1024 * 1024]) {
        const bytes = noise(size, 13);
        await backend.put(key("r"), bytes);
        for (const range of size < 10 ? [undefined] : [undefined, { start: 5, end: size - 5 }]) {
          const expected = bytes.slice(range?.start, range?.end);
          const whole = await backend.get(key("r"), { mayReuseMemory: true, range });
          assert.ok(Buffer.compare(await whole.body.bytes(), expected) === 0, `bytes() of ${size}`);
          const chunked = await backend.get(key("r"), { mayReuseMemory: true, range });
          let at = 0;
          for await (const chunk of chunked.body) {
            assert.ok(
              Buffer.compare(chunk, expected.subarray(at, at + chunk.byteLength)) === 0,
              `chunk at ${at}`,
            );
            at += chunk.byteLength;
          }
          assert.equal(at, expected.byteLength);
        }
      }
    },
  },
  {
    name: "returns the version that ifMatch names, or rejects with precondition_failed",
    async run(backend) {
      const etag = await putText(backend, "a", "one");
      const { body } = await backend.get(key("a"), { ifMatch: etag });
      assert.equal(new TextDecoder().decode(await body.bytes()), "one");
      await putText(backend, "a", "two");
      await expectCode("precondition_failed", () => backend.get(key("a"), { ifMatch: etag }));
    },
  },
  {
    name: "returns the old bytes or an error, never a mixture, for an object that is replaced while it is read",
    async run(backend) {
      const old = noise(4 * 1024 * 1024, 3);
      await backend.put(key("big"), old);
      const { body } = await backend.get(key("big"));
      const hash = createHash("sha256");
      let first = true;
      let failed = false;
      try {
        for await (const chunk of body) {
          if (first) await backend.put(key("big"), noise(4 * 1024 * 1024, 4));
          first = false;
          hash.update(chunk);
        }
      } catch {
        failed = true;
      }
      if (!failed) assert.equal(hash.digest("hex"), createHash("sha256").update(old).digest("hex"));
    },
  },
  {
    name: "stays usable after bodies that were dropped early or cancelled",
    async run(backend) {
      await backend.put(key("big"), noise(3 * 1024 * 1024));
      for (let i = 0; i < 20; i++) {
        const { body } = await backend.get(key("big"));
        if (i % 2 === 0) await body.cancel();
        else for await (const _ of body) break;
      }
      await putText(backend, "after", "fine");
      assert.equal(await getText(backend, "after"), "fine");
    },
  },
];
