import {
  createMemoryBackend,
  limited,
  parseKey,
  prefixed,
  retrying,
  type StorageBackend,
} from "@parquetry/core";
import { describe, it } from "vitest";
import { faulty } from "../faulty.ts";
import { describeBackend } from "./describe-backend.ts";

const WRAPPERS: Readonly<Record<string, (backend: StorageBackend) => StorageBackend>> = {
  memory: (backend) => backend,
  "prefixed(memory)": (backend) => prefixed(backend, parseKey("a/root")),
  "retrying(memory)": (backend) => retrying(backend),
  "limited(memory)": (backend) => limited(backend),
  "limited(memory) to one at a time": (backend) => limited(backend, { maxConcurrent: 1 }),
  "faulty(memory) without faults": (backend) => faulty(backend, () => undefined),
  "prefixed(retrying(limited(faulty(memory))))": (backend) =>
    prefixed(retrying(limited(faulty(backend, () => undefined))), parseKey("deep")),
};

for (const [name, wrap] of Object.entries(WRAPPERS)) {
  describeBackend(name, async () => wrap(createMemoryBackend()), { describe, it });
}
