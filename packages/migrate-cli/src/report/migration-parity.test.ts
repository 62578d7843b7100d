import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memoryTree } from "../../test/support/memory-tree.ts";
import { runMigration } from "../run/run-migration.ts";
import { verifyMigration } from "../verify/verify-migration.ts";
import { migrationParity } from "./migration-parity.ts";

describe("migrationParity", () => {
  it("says after a migration what verify says", async () => {
    const key = fc.constantFrom("a", "raw/b", "raw/c", "x/d", "x/e");
    const tree = fc.dictionary(key, fc.constantFrom("", "one", "two"));
    await fc.assert(
      fc.asyncProperty(tree, tree, fc.boolean(), async (before, there, force) => {
        const source = await memoryTree(before);
        const target = await memoryTree(there);
        const result = await runMigration(source, target, { force });
        const found = await verifyMigration(source, target);
        expect(migrationParity(result)).toEqual(found.folders);
        result.close();
        found.close();
      }),
      { numRuns: 60 },
    );
  });
});
