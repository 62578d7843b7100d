import { createMemoryBackend, parseKey, type StorageBackend } from "@parquetry/core";
import { abilitiesOf, limited, paced, prefixed, retrying, withAbilities } from "@parquetry/core/backend";
import { describe, it } from "vitest";
import { ableBackend } from "../../test/support/able-backend.ts";
import { faulty } from "../faulty.ts";
import { describeBackend } from "./describe-backend.ts";

/** The backend as if its store limited the writes to each key. */
function counting(backend: StorageBackend, writesPerSecondPerKey: number): StorageBackend {
  const capabilities = { ...backend.capabilities, writesPerSecondPerKey };
  return withAbilities({ ...backend, capabilities }, abilitiesOf(backend));
}

const WRAPPERS: Readonly<Record<string, (backend: StorageBackend) => StorageBackend>> = {
  prefixed: (backend) => prefixed(backend, parseKey("a/root")),
  retrying: (backend) => retrying(backend),
  limited: (backend) => limited(backend),
  "limited to one at a time": (backend) => limited(backend, { maxConcurrent: 1 }),
  paced: (backend) => paced(counting(backend, 1000)),
  "faulty without faults": (backend) => faulty(backend, () => undefined, { abilities: "pass" }),
  "prefixed(retrying(limited(faulty)))": (backend) =>
    prefixed(retrying(limited(faulty(backend, () => undefined, { abilities: "pass" }))), parseKey("deep")),
};

describeBackend("memory", async () => createMemoryBackend(), { describe, it });
for (const [name, wrap] of Object.entries(WRAPPERS)) {
  describeBackend(`${name} over memory with all abilities`, async () => wrap(ableBackend()), {
    describe,
    it,
  });
}
