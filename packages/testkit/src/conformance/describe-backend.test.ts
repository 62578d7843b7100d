import {
  createMemoryBackend,
  limited,
  paced,
  parseKey,
  prefixed,
  retrying,
  type StorageBackend,
} from "@parquetry/core";
import { describe, it } from "vitest";
import { faulty } from "../faulty.ts";
import { describeBackend } from "./describe-backend.ts";

/** The backend as if its store counted the writes to each key. */
function counting(backend: StorageBackend, writesPerSecondPerKey: number): StorageBackend {
  return { ...backend, capabilities: { ...backend.capabilities, writesPerSecondPerKey } };
}

const WRAPPERS: Readonly<Record<string, (backend: StorageBackend) => StorageBackend>> = {
  memory: (backend) => backend,
  "prefixed(memory)": (backend) => prefixed(backend, parseKey("a/root")),
  "retrying(memory)": (backend) => retrying(backend),
  "limited(memory)": (backend) => limited(backend),
  "limited(memory) to one at a time": (backend) => limited(backend, { maxConcurrent: 1 }),
  "paced(memory)": (backend) => paced(counting(backend, 1000)),
  "faulty(memory) without faults": (backend) => faulty(backend, () => undefined),
  "prefixed(retrying(limited(faulty(memory))))": (backend) =>
    prefixed(retrying(limited(faulty(backend, () => undefined))), parseKey("deep")),
};

for (const [name, wrap] of Object.entries(WRAPPERS)) {
  describeBackend(name, async () => wrap(createMemoryBackend()), { describe, it });
}
