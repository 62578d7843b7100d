import assert from "node:assert/strict";
import { isStorageError } from "@parquetry/core/backend";
import { abilityCase } from "./ability-case.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { expectCode } from "./expect-code.ts";
import { getText, key, keysBelow, noise, putText } from "./sample.ts";

/** The guarantees of direct access. */
export const ACCESS_CASES: readonly ConformanceCase[] = [
  abilityCase(
    "directAccess",
    "names the bucket and the prefix that url() names, a region and credentials",
    async (direct, backend) => {
      const { bucket, prefix, region, credentials } = await direct.access();
      const root = prefix === "" ? bucket : `${bucket}/${prefix}`;
      assert.ok(
        backend.url(key("a/b")).endsWith(`/${root}/a/b`),
        `${backend.url(key("a/b"))} lies in ${root}`,
      );
      for (const text of [region, credentials.accessKeyId, credentials.secretAccessKey])
        assert.ok(typeof text === "string" && text.length > 0);
    },
  ),
  abilityCase("directAccess", "rejects with aborted when its signal has fired", async (direct) => {
    const error: unknown = await direct.access({ signal: AbortSignal.abort() }).catch((thrown) => thrown);
    assert.ok(isStorageError(error, "aborted"), String(error));
  }),
];

/** The guarantees of renames. */
export const RENAME_CASES: readonly ConformanceCase[] = [
  abilityCase(
    "renames",
    "renames an object, replaces one of that name, and then deletes others; missing ones count as deleted",
    async (renames, backend) => {
      for (const name of ["r/_new", "r/new", "r/old", "r/kept"]) await putText(backend, name, name);
      const removing = [key("r/old"), key("r/missing")];
      await renames.rename(key("r/_new"), key("r/new"), { removing });
      assert.deepEqual(await keysBelow(backend), ["r/kept", "r/new"]);
      assert.equal(await getText(backend, "r/new"), "r/_new");
      assert.equal((await backend.head(key("r/new"))).sizeBytes, 6);
    },
  ),
  abilityCase(
    "renames",
    "rejects a rename of a missing object with not_found and one into another folder with invalid_argument, and changes nothing",
    async (renames, backend) => {
      for (const name of ["r/a", "r/b", "c"]) await putText(backend, name, name);
      const removing = [key("r/b")];
      await expectCode("not_found", () => renames.rename(key("r/x"), key("r/a"), { removing }));
      await expectCode("invalid_argument", () => renames.rename(key("r/a"), key("a"), { removing }));
      await expectCode("invalid_argument", () =>
        renames.rename(key("r/a"), key("r/x"), { removing: [key("c")] }),
      );
      await expectCode("aborted", () =>
        renames.rename(key("r/a"), key("r/x"), { removing, signal: AbortSignal.abort() }),
      );
      assert.deepEqual(await keysBelow(backend), ["c", "r/a", "r/b"]);
    },
  ),
];

/** The guarantees of removing leftovers. */
export const LEFTOVER_CASES: readonly ConformanceCase[] = [
  abilityCase(
    "leftovers",
    "removes no object, and nothing of a put that runs",
    async (leftovers, backend) => {
      await putText(backend, "l/a", "a");
      await backend.put(
        key("l/b"),
        (async function* () {
          yield noise(1000);
          assert.deepEqual(await keysBelow(backend), ["l/a"]);
          assert.deepEqual(await leftovers.removeListed(), []);
          assert.deepEqual(await leftovers.removeAll(), []);
          yield noise(1000);
        })(),
      );
      assert.deepEqual(await leftovers.removeAll({ dryRun: true }), []);
      assert.deepEqual(await keysBelow(backend), ["l/a", "l/b"]);
      assert.equal((await backend.head(key("l/b"))).sizeBytes, 2000);
    },
  ),
];
