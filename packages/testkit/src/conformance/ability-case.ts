import assert from "node:assert/strict";
import { abilitiesOf, type BackendAbilities, type StorageBackend } from "@parquetry/core/backend";
import type { ConformanceCase } from "./conformance-case.ts";

type Ability = keyof BackendAbilities;

/** A case about an ability, which the suite runs only where the backend has it. */
export function abilityCase<A extends Ability>(
  needs: A,
  name: string,
  run: (ability: NonNullable<BackendAbilities[A]>, backend: StorageBackend) => Promise<void>,
): ConformanceCase {
  return {
    name,
    needs,
    async run(backend) {
      const ability = abilitiesOf(backend)[needs];
      assert.ok(ability !== undefined, `the backend has no ${needs}`);
      await run(ability, backend);
    },
  };
}
