import { abilitiesOf, type BackendAbilities, type StorageBackend } from "@parquetry/core/backend";
import { type CustomKind, checkArgument, checkOptions, type OptionKinds } from "@parquetry/core/unstable";
import { ACCESS_CASES, LEFTOVER_CASES, RENAME_CASES } from "./ability-cases.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { type ConformanceScale, FULL_CONFORMANCE } from "./conformance-scale.ts";
import { ERROR_CASES } from "./error-cases.ts";
import { HASHED_READ_CASES } from "./hashed-read-cases.ts";
import { HASHED_WRITE_CASES } from "./hashed-write-cases.ts";
import { LIST_CASES } from "./list-cases.ts";
import { READ_CASES } from "./read-cases.ts";
import { UPLOAD_CASES } from "./upload-cases.ts";
import { WRITE_CASES } from "./write-cases.ts";

/**
 * The two functions of a test runner that the suite needs: vitest, Jest, Mocha and `node:test` have them. Where the runner
 * passes a context with `skip` to a test (vitest, `node:test`), a case about an ability that the backend lacks is skipped by
 * it; elsewhere it passes, with a line on stderr.
 */
export interface TestRunner {
  /** Groups tests. */
  describe(name: string, body: () => void): unknown;
  /** Declares one test. */
  it(name: string, body: () => Promise<void>): unknown;
}

/** The cases of the suite by subject. */
export const CONFORMANCE_GROUPS: ReadonlyMap<string, readonly ConformanceCase[]> = new Map([
  ["Reading", READ_CASES],
  ["Writing", WRITE_CASES],
  ["Names and listings", LIST_CASES],
  ["Failures", ERROR_CASES],
  ["Hashed reads", HASHED_READ_CASES],
  ["Hashed writes", HASHED_WRITE_CASES],
  ["Resumable uploads", UPLOAD_CASES],
  ["Direct access", ACCESS_CASES],
  ["Renames", RENAME_CASES],
  ["Leftovers", LEFTOVER_CASES],
]);

/** Every case of the suite, for other kinds of runners. */
export const CONFORMANCE_CASES: readonly ConformanceCase[] = [...CONFORMANCE_GROUPS.values()].flat();

const RUNNER: CustomKind = {
  expected: "a test runner with describe and it, such as { describe, it } of vitest",
  is: (value) => {
    const { describe, it } = value as TestRunner;
    return typeof describe === "function" && typeof it === "function";
  },
};
const SCALE: OptionKinds<ConformanceScale> = {
  listedKeys: "whole",
  writers: "whole",
  incrementsPerWriter: "whole",
};

/**
 * Tests a backend against every guarantee of the byte contract, and of the abilities it declares, with one test for each.
 *
 * @param name the name of the group of tests.
 * @param make opens a new, empty backend for each test. The suite closes it.
 * @param runner declares the tests.
 * @param scale less work, for slow stores; default {@link FULL_CONFORMANCE}.
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
  checkArgument(name, "string", "name", "describeBackend");
  checkArgument(make, "function", "make", "describeBackend");
  checkArgument(runner, RUNNER, "runner", "describeBackend");
  checkOptions(scale, SCALE, "describeBackend", "scale");
  const fullScale: ConformanceScale = { ...FULL_CONFORMANCE, ...scale };
  runner.describe(`${name} keeps the byte contract:`, () => {
    for (const { name: guarantee, needs, run } of CONFORMANCE_CASES) {
      // Rest arguments: Jest waits for a callback where a test declares a parameter.
      runner.it(guarantee, async (...context: readonly unknown[]) => {
        const backend = await make();
        try {
          if (needs !== undefined && abilitiesOf(backend)[needs] === undefined)
            skip(context[0], name, guarantee, needs);
          else await run(backend, fullScale);
        } finally {
          await backend.close();
        }
      });
    }
  });
}

function skip(context: unknown, name: string, guarantee: string, needs: keyof BackendAbilities): void {
  const reason = `${name} does not declare ${needs}`;
  // The context of vitest is a function with properties.
  const { skip: skipTest } = Object(context) as { readonly skip?: unknown };
  if (typeof skipTest === "function") skipTest.call(context, reason);
  else console.warn(`skipped: ${guarantee}: ${reason}`);
}
