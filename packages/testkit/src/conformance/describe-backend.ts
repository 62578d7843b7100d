import type { StorageBackend } from "@parquetry/core";
import type { ConformanceCase } from "./conformance-case.ts";
import { type ConformanceScale, FULL_CONFORMANCE } from "./conformance-scale.ts";
import { ERROR_CASES } from "./error-cases.ts";
import { LIST_CASES } from "./list-cases.ts";
import { READ_CASES } from "./read-cases.ts";
import { WRITE_CASES } from "./write-cases.ts";

/** The two functions of a test runner that the suite needs: vitest, Jest, Mocha and `node:test` have them. */
export interface TestRunner {
  /** Groups tests. */
  describe(name: string, body: () => void): unknown;
  /** Declares one test. */
  it(name: string, body: () => Promise<void>): unknown;
}

/** The cases of the suite by what they are about. */
export const CONFORMANCE_GROUPS: ReadonlyMap<string, readonly ConformanceCase[]> = new Map([
  ["Reading", READ_CASES],
  ["Writing", WRITE_CASES],
  ["Names and listings", LIST_CASES],
  ["Failures", ERROR_CASES],
]);

/** Every case of the suite, for runners of other kinds. */
export const CONFORMANCE_CASES: readonly ConformanceCase[] = [...CONFORMANCE_GROUPS.values()].flat();

/**
 * Asks a backend everything that the byte contract promises, one test a guarantee.
 *
 * @param name what the group of tests is called.
 * @param make opens an empty backend, for each test anew. The suite closes it.
 * @param runner where the tests are declared.
 * @param scale how much is asked, for slow stores; default {@link FULL_CONFORMANCE}.
 * @example
 * ```ts
 * import { describe, it } from "vitest";
 * describeBackend("memory", async () => createMemoryBackend(), { describe, it });
 * ```
 */
export function describeBackend(
  name: string,
  make: () => Promise<StorageBackend>,
  runner: TestRunner,
  scale: Partial<ConformanceScale> = {},
): void {
  const asked: ConformanceScale = { ...FULL_CONFORMANCE, ...scale };
  runner.describe(`${name} keeps the byte contract:`, () => {
    for (const { name: guarantee, run } of CONFORMANCE_CASES) {
      runner.it(guarantee, async () => {
        const backend = await make();
        try {
          await run(backend, asked);
        } finally {
          await backend.close();
        }
      });
    }
  });
}
