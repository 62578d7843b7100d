import assert from "node:assert/strict";
import { isStorageError, type StorageErrorCode } from "@parquetry/core";

/** Expects a call to fail with a StorageError of a code, which names its operation and explains itself. */
export async function expectCode(code: StorageErrorCode, call: () => Promise<unknown>): Promise<void> {
  let result: unknown;
  try {
    result = await call();
  } catch (error) {
    if (!isStorageError(error)) {
      const found = error instanceof Error ? (error.stack ?? error.message) : String(error);
      assert.fail(`expected a StorageError ${code}, got ${found}`);
    }
    assert.equal(error.code, code, error.message);
    assert.ok(error.op.length > 0, "a StorageError names its operation");
    assert.ok(error.message.length > 10, "a StorageError explains itself");
    return;
  }
  assert.fail(`expected ${code}, but the call succeeded with ${JSON.stringify(result)}`);
}
