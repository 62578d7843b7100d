import assert from "node:assert/strict";
import { isStorageError, type StorageError } from "@parquetry/core/backend";
import { mapConcurrent } from "@parquetry/core/unstable";
import type { ConformanceCase } from "./conformance-case.ts";
import { expectCode } from "./expect-code.ts";
import { getText, key, keysBelow, noise, putText, utf8 } from "./sample.ts";

async function failureOf(call: () => Promise<unknown>): Promise<StorageError> {
  try {
    await call();
  } catch (error) {
    if (isStorageError(error)) return error;
    assert.fail(`expected a StorageError, got ${String(error)}`);
  }
  assert.fail("expected a failure");
}

/** The guarantees for programs that handle failures. */
export const ERROR_CASES: readonly ConformanceCase[] = [
  {
    name: "names the operation, the key and the backend of a failure, and whether repeating helps",
    async run(backend) {
      await putText(backend, "e/there", "x");
      const failures: readonly (readonly [string, string, () => Promise<unknown>])[] = [
        ["head", "e/gone", () => backend.head(key("e/gone"))],
        ["get", "e/gone", () => backend.get(key("e/gone"))],
        ["copy", "e/gone", () => backend.copy(key("e/gone"), key("e/copy"))],
        ["put", "e/there", () => backend.put(key("e/there"), utf8("y"), { ifNoneMatch: "*" })],
        ["put", "e/there", () => backend.put(key("e/there"), utf8("y"), { ifMatch: "another" })],
      ];
      for (const [op, path, call] of failures) {
        const error = await failureOf(call);
        assert.equal(error.op, op);
        assert.ok(error.path?.endsWith(path), `${error.path} names ${path}`);
        assert.equal(error.backend, backend.name);
        assert.equal(error.retry, "never");
        assert.ok(error.message.includes(path), `the message names ${path}: ${error.message}`);
        const { code, message } = JSON.parse(JSON.stringify(error));
        assert.deepEqual({ code, message }, { code: error.code, message: error.message });
      }
    },
  },
  {
    name: "rejects an invalid body with invalid_argument and stores nothing",
    async run(backend) {
      for (const body of ["text", 7, null, undefined, {}]) {
        // Callers without types may pass it.
        await expectCode("invalid_argument", () => backend.put(key("e/body"), body as never));
      }
      assert.deepEqual(await keysBelow(backend), []);
    },
  },
  {
    name: "ends a body that is aborted while it is read, and stays usable",
    async run(backend) {
      await backend.put(key("e/big"), noise(4 * 1024 * 1024));
      const controller = new AbortController();
      const { body } = await backend.get(key("e/big"), { signal: controller.signal });
      let received = 0;
      try {
        for await (const chunk of body) {
          received += chunk.byteLength;
          controller.abort();
        }
        assert.equal(received, 4 * 1024 * 1024, "a body that ends without an error is complete");
      } catch (error) {
        assert.ok(isStorageError(error, "aborted"), String(error));
      }
      await putText(backend, "e/after", "fine");
      assert.equal(await getText(backend, "e/after"), "fine");
    },
  },
  {
    name: "ends a listing that is aborted half-way with aborted",
    async run(backend, { listedKeys }) {
      const { listPageSize } = backend.capabilities;
      const count = Math.min(listedKeys, listPageSize + 1);
      await mapConcurrent(Array(count).keys(), 24, (i) => putText(backend, `e/${i}`, "x"));
      const controller = new AbortController();
      const pages = backend.list({ signal: controller.signal })[Symbol.asyncIterator]();
      const first = await pages.next();
      assert.ok(!first.done && first.value.objects.length > 0, "the listing was under way");
      controller.abort();
      // A listing of a single page may have been at its end.
      if (count > listPageSize) await expectCode("aborted", () => pages.next());
      assert.equal((await keysBelow(backend)).length, count);
    },
  },
  {
    name: "ends a delete that is aborted half-way with aborted, and deletes no later key",
    async run(backend) {
      const { deleteBatchSize } = backend.capabilities;
      const count = deleteBatchSize + 2;
      await mapConcurrent(Array(count).keys(), 24, (i) => putText(backend, `e/${i}`, "x"));
      const controller = new AbortController();
      const keys = Array.from({ length: count }, (_, i) => key(`e/${i}`));
      let results = 0;
      await expectCode("aborted", async () => {
        for await (const { error } of backend.delete(keys, { signal: controller.signal })) {
          assert.equal(error, undefined);
          results++;
          controller.abort();
        }
      });
      assert.ok(results > 0, "the delete was under way");
      assert.ok((await keysBelow(backend)).includes(`e/${count - 1}`), "the last key is still there");
    },
  },
  {
    name: "rejects a path that is not a key with invalid_path in every operation",
    async run(backend) {
      await putText(backend, "e/there", "x");
      for (const path of ["../x", "a//b", "/a", "a/", ".", "a/../../b", "a\0b", "", 7, null, undefined]) {
        // Callers without types may pass it.
        const wrong = path as never;
        await expectCode("invalid_path", () => backend.head(wrong));
        await expectCode("invalid_path", () => backend.get(wrong));
        await expectCode("invalid_path", () => backend.put(wrong, utf8("x")));
        await expectCode("invalid_path", () => backend.copy(wrong, key("e/copy")));
        await expectCode("invalid_path", () => backend.copy(key("e/there"), wrong));
        await expectCode("invalid_path", async () => {
          for await (const { error } of backend.delete([wrong])) if (error !== undefined) throw error;
        });
        if (path === "" || path === undefined) continue;
        await expectCode("invalid_path", async () => {
          for await (const _ of backend.list({ prefix: wrong })) assert.fail("nothing may come");
        });
      }
      assert.deepEqual(await keysBelow(backend), ["e/there"]);
    },
  },
  {
    name: "rejects an unknown option, or one of the wrong kind, with invalid_argument and changes nothing",
    async run(backend) {
      const there = key("e/there");
      const etag = await putText(backend, "e/there", "x");
      const drain = async (items: AsyncIterable<unknown>): Promise<void> => {
        for await (const _ of items) assert.fail("nothing may come");
      };
      const calls: Readonly<Record<string, (options: never) => Promise<unknown>>> = {
        head: (options) => backend.head(there, options),
        get: (options) => backend.get(there, options),
        put: (options) => backend.put(there, utf8("y"), options),
        copy: (options) => backend.copy(there, key("e/copy"), options),
        list: (options) => drain(backend.list(options)),
        delete: (options) => drain(backend.delete([there], options)),
      };
      const wrong: Readonly<Record<string, readonly object[]>> = {
        head: [{ ifMatch: etag }],
        get: [{ ifmatch: etag }, { ifMatch: 5 }, { verify: "no" }, { range: "0-5" }, { range: [0, 5] }],
        put: [
          { ifmatch: "other" },
          { ifNoneMatch: true },
          { ifMatch: null },
          { sha256: utf8("x") },
          { md5: 5 },
        ],
        copy: [{ ifnonematch: "*" }, { ifNoneMatch: etag }, { md5: "0" }],
        list: [
          { Prefix: "e" },
          { startAfter: 5 },
          { delimiter: "-" },
          { onSkipped: [] },
          { onUnreadable: true },
        ],
        delete: [{ prefix: "e" }],
      };
      for (const [op, call] of Object.entries(calls)) {
        for (const options of [...(wrong[op] ?? []), { signal: {} }, { signal: new AbortController() }]) {
          // Callers without types may pass it.
          await expectCode("invalid_argument", () => call(options as never));
        }
      }
      assert.deepEqual(await keysBelow(backend), ["e/there"]);
      assert.equal(await getText(backend, "e/there"), "x");
    },
  },
];
