import assert from "node:assert/strict";
import { type ReplayableBody, StorageError } from "@parquetry/core/backend";
import { abilityCase } from "./ability-case.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { expectCode } from "./expect-code.ts";
import { bodyOf, expectContent, getText, key, keysBelow, md5, noise, putText } from "./sample.ts";

/** The guarantees of hashed writes. */
export const HASHED_WRITE_CASES: readonly ConformanceCase[] = [
  abilityCase(
    "hashedWrites",
    "stores a large body whole, and shows the MD5s of its parts in order",
    async (writes, backend) => {
      const large = noise(3 * 1024 * 1024 + 17, 5);
      for (const [bytes, partSizeBytes] of [
        [large, 1024 * 1024],
        [large, 1_000_003],
        [large, large.byteLength],
        [noise(5), 1024],
        [new Uint8Array(), 1024],
      ] as const) {
        const expected = Array.from(
          { length: Math.max(1, Math.ceil(bytes.byteLength / partSizeBytes)) },
          (_, i) => md5(bytes.subarray(i * partSizeBytes, (i + 1) * partSizeBytes)),
        );
        let shown: readonly string[] = [];
        const check = (md5s: readonly string[]): void => {
          shown = md5s;
        };
        const stored = await writes.put(key("w/a"), bodyOf(bytes), { partSizeBytes, check });
        assert.deepEqual(shown, expected);
        await expectContent(backend, "w/a", bytes);
        const { etag, sizeBytes } = await backend.head(key("w/a"));
        assert.deepEqual({ etag: stored?.etag, sizeBytes: stored?.sizeBytes }, { etag, sizeBytes });
        for await (const { error } of backend.delete([key("w/a")])) assert.equal(error, undefined);
      }
      assert.deepEqual(await keysBelow(backend), []);
    },
  ),
  abilityCase(
    "hashedWrites",
    "stores nothing if its check throws, if the body fails, or has other bytes than announced, and keeps the old object",
    async (writes, backend) => {
      await putText(backend, "w/a", "old");
      const bytes = noise(300_000);
      const put = (body: ReplayableBody, check = (): void => {}): Promise<unknown> =>
        writes.put(key("w/a"), body, { partSizeBytes: 100_000, check });
      const refusal = failure("corrupt", "the parts are not those of the source");
      await expectCode("corrupt", () =>
        put(bodyOf(bytes), () => {
          throw refusal;
        }),
      );
      await expectCode("corrupt", () => put(bodyWithout(bytes, 1)));
      await expectCode("corrupt", () => put(bodyWithout(bytes, -1)));
      const broken = failure("permission_denied", "access is denied");
      await expectCode("permission_denied", () =>
        put({
          sizeBytes: bytes.byteLength,
          async *open() {
            yield bytes.subarray(0, 10);
            throw broken;
          },
        }),
      );
      assert.equal(await getText(backend, "w/a"), "old");
      assert.deepEqual(await keysBelow(backend), ["w/a"]);
    },
  ),
  abilityCase(
    "hashedWrites",
    "obeys preconditions as put does, and rejects with aborted when its signal has fired",
    async (writes, backend) => {
      const etag = await putText(backend, "w/a", "old");
      const bytes = noise(1000);
      const put = (options: object): Promise<unknown> =>
        writes.put(key("w/a"), bodyOf(bytes), { partSizeBytes: 1000, check() {}, ...options });
      await expectCode("already_exists", () => put({ ifNoneMatch: "*" }));
      await expectCode("precondition_failed", () => put({ ifMatch: "another" }));
      await expectCode("aborted", () => put({ signal: AbortSignal.abort() }));
      assert.equal(await getText(backend, "w/a"), "old");
      await put({ ifMatch: etag });
      await expectContent(backend, "w/a", bytes);
    },
  ),
];

function failure(code: "corrupt" | "permission_denied", message: string): StorageError {
  return new StorageError({ code, op: "get", path: "w/source", message: `get w/source: ${message}.` });
}

/** A body that is shorter than announced, or longer. */
function bodyWithout(bytes: Uint8Array, missing: number): ReplayableBody {
  return {
    sizeBytes: bytes.byteLength + missing,
    async *open({ start, end = bytes.byteLength } = { start: 0 }) {
      const long = missing < 0 && end === bytes.byteLength + missing ? bytes.byteLength : end;
      for (let at = start; at < Math.min(long, bytes.byteLength); at += 30_000)
        yield bytes.subarray(at, Math.min(at + 30_000, long));
    },
  };
}
