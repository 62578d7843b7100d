import assert from "node:assert/strict";
import { isStorageError, type StorageError } from "@parquetry/core";
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

/** What a program that handles failures may rely on. */
export const ERROR_CASES: readonly ConformanceCase[] = [
  {
    name: "an error says which operation failed, on which key, of which backend, and whether repeating helps",
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
    name: "a body that is none is invalid_argument, and stores nothing",
    async run(backend) {
      for (const body of ["text", 7, null, undefined, {}]) {
        // What a caller in JavaScript may hand over.
        await expectCode("invalid_argument", () => backend.put(key("e/body"), body as never));
      }
      assert.deepEqual(await keysBelow(backend), []);
    },
  },
  {
    name: "an abort while a body is read ends it, and leaves the backend usable",
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
        assert.equal(received, 4 * 1024 * 1024, "a body that ends without an error is whole");
      } catch (error) {
        assert.ok(isStorageError(error, "aborted"), String(error));
      }
      await putText(backend, "e/after", "fine");
      assert.equal(await getText(backend, "e/after"), "fine");
    },
  },
  {
    name: "an abort in the middle of a listing or a delete is aborted",
    async run(backend) {
      for (let i = 0; i < 5; i++) await putText(backend, `e/${i}`, "x");
      const controller = new AbortController();
      controller.abort();
      const { signal } = controller;
      await expectCode("aborted", async () => {
        for await (const _ of backend.list({ signal })) assert.fail("nothing may come");
      });
      await expectCode("aborted", async () => {
        for await (const _ of backend.delete([key("e/0"), key("e/1")], { signal }))
          assert.fail("nothing may come");
      });
      assert.equal((await keysBelow(backend)).length, 5);
    },
  },
];
