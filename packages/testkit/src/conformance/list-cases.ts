import assert from "node:assert/strict";
import type { Key } from "@parquetry/core";
import { compareKeys } from "@parquetry/core/backend";
import { mapConcurrent } from "@parquetry/core/unstable";
import type { ConformanceCase } from "./conformance-case.ts";
import { expectCode } from "./expect-code.ts";
import { getText, key, keysBelow, putText } from "./sample.ts";

/** Names that are known to break storage layers. */
export const ODD_KEYS: readonly string[] = [
  "space in/a name.txt",
  "percent%20/100%.txt",
  "year=2024/team=Texas%20A%26M/data.parquet",
  "year=2024/team=Texas A&M/data.parquet",
  "plus+plus/a+b.txt",
  "quo'te/it's.txt",
  "semi;c:o@l,$/x!*()~",
  "q?m#h/[x]{y}",
  "hawai'i/Miami (OH)",
  "unicode/é-日本-😀",
  "a/b",
  "a.b",
  "a0",
  "_hidden/.dot",
  "__HIVE_DEFAULT_PARTITION__/x",
  "k=/empty-value",
];

/** The guarantees for listings, and the names that can be keys. */
export const LIST_CASES: readonly ConformanceCase[] = [
  {
    name: "lists nothing for an empty store or a prefix without objects",
    async run(backend) {
      assert.deepEqual(await keysBelow(backend), []);
      assert.deepEqual(await keysBelow(backend, "no/such"), []);
    },
  },
  {
    name: "matches a prefix by whole segments: week=1 never lists week=10",
    async run(backend) {
      for (const week of ["1", "10", "11"]) await putText(backend, `p/week=${week}/x`, week);
      await putText(backend, "p/week=1x", "no");
      assert.deepEqual(await keysBelow(backend, "p/week=1"), ["p/week=1/x"]);
    },
  },
  {
    name: "keeps unusual names exactly, and lists them in UTF-8 byte order of the whole key",
    async run(backend) {
      const keys = [...ODD_KEYS, "o/\u{FF5E}", "o/\u{1F600}", "o/z", "o/Z"];
      for (const name of keys) await putText(backend, name, name);
      const expected = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      assert.deepEqual(await keysBelow(backend), expected);
      for (const name of keys) assert.equal(await getText(backend, name), name);
      for await (const { error } of backend.delete(keys.map(key))) assert.equal(error, undefined);
      assert.deepEqual(await keysBelow(backend), []);
    },
  },
  {
    name: "accepts a key as long as the capabilities allow",
    async run(backend) {
      const { maxKeyBytes } = backend.capabilities;
      const long = `${"x".repeat(199)}/`
        .repeat(6)
        .slice(0, maxKeyBytes - 1)
        .concat("y");
      assert.equal(Buffer.byteLength(long), maxKeyBytes);
      await putText(backend, long, "long");
      assert.equal(await getText(backend, long), "long");
      assert.deepEqual(await keysBelow(backend), [long]);
    },
  },
  {
    name: "lists several pages completely, in order and without duplicates; resumes anywhere by startAfter; deletes all of it in one call",
    async run(backend, { listedKeys }) {
      const keys = Array.from({ length: listedKeys }, (_, i) => `l/k=${i % 40}/f-${i}.bin`);
      await mapConcurrent(keys, 24, (name) => putText(backend, name, "x"));
      const sorted = [...keys].sort(compareKeys);
      assert.deepEqual(await keysBelow(backend, "l"), sorted);
      for (const at of [0, 41, Math.min(1000, listedKeys - 3), listedKeys - 2]) {
        assert.deepEqual(
          await keysBelow(backend, "l", sorted[at]),
          sorted.slice(at + 1),
          `after number ${at}`,
        );
      }
      assert.deepEqual(
        await keysBelow(backend, "l", "l/k=20"),
        sorted.filter((name) => compareKeys(name, "l/k=20") > 0),
      );
      assert.deepEqual(await keysBelow(backend, "l", "zzz"), []);
      const deleted: string[] = [];
      for await (const result of backend.delete(keys.map(key))) {
        assert.equal(result.error, undefined);
        deleted.push(result.key);
      }
      assert.deepEqual(deleted.sort(compareKeys), sorted);
      assert.deepEqual(await keysBelow(backend), []);
    },
  },
  {
    name: "keeps names that differ only in Unicode normalisation apart, unless the capabilities say that they collide",
    async run(backend) {
      const composed = "n/José.txt".normalize("NFC");
      const decomposed = composed.normalize("NFD");
      await putText(backend, composed, "composed");
      await putText(backend, decomposed, "decomposed");
      if (backend.capabilities.keyNormalization === "NFC") {
        assert.deepEqual(await keysBelow(backend), [composed]);
        assert.equal(await getText(backend, composed), "decomposed");
        assert.equal(await getText(backend, decomposed), "decomposed");
      } else {
        assert.deepEqual(await keysBelow(backend), [decomposed, composed]);
        assert.equal(await getText(backend, composed), "composed");
        assert.equal(await getText(backend, decomposed), "decomposed");
      }
    },
  },
  {
    name: 'lists only the direct children with delimiter "/": objects, and prefixes of further objects',
    async run(backend) {
      for (const name of ["t/a", "t/b/1", "t/b/2", "t/c/d/e", "t.x", "other"])
        await putText(backend, name, name);
      const objects: string[] = [];
      const prefixes: Key[] = [];
      for await (const page of backend.list({ prefix: key("t"), delimiter: "/" })) {
        objects.push(...page.objects.map((info) => info.key));
        prefixes.push(...page.prefixes);
      }
      assert.deepEqual(objects, ["t/a"]);
      assert.deepEqual(prefixes, ["t/b", "t/c"]);
      const after: string[] = [];
      for await (const page of backend.list({ prefix: key("t"), delimiter: "/", startAfter: "t/b/1" })) {
        after.push(...page.objects.map((info) => info.key), ...page.prefixes);
      }
      assert.deepEqual(after, ["t/c"]);
    },
  },
  {
    name: "no longer lists a prefix whose last object was deleted",
    async run(backend) {
      await putText(backend, "t/b/1", "x");
      await putText(backend, "t/c/1", "x");
      for await (const { error } of backend.delete([key("t/b/1")])) assert.equal(error, undefined);
      const prefixes: Key[] = [];
      for await (const page of backend.list({ prefix: key("t"), delimiter: "/" }))
        prefixes.push(...page.prefixes);
      assert.deepEqual(prefixes, ["t/c"]);
    },
  },
  {
    name: "stores a key below another key, or rejects it with invalid_path if the capabilities say that keys are hierarchical",
    async run(backend) {
      await putText(backend, "x", "file");
      if (backend.capabilities.hierarchicalKeys) {
        await expectCode("invalid_path", () => putText(backend, "x/y", "below"));
        await putText(backend, "d/y", "below");
        await expectCode("invalid_path", () => putText(backend, "d", "file"));
      } else {
        await putText(backend, "x/y", "below");
        assert.deepEqual(await keysBelow(backend), ["x", "x/y"]);
        assert.equal(await getText(backend, "x"), "file");
      }
    },
  },
];
