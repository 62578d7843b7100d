import { createMemoryBackend, parseKey, prefixed, retrying } from "@parquetry/core";
import { describe, it } from "vitest";
import { describeBackend } from "./describe-backend.ts";

describeBackend("memory", async () => createMemoryBackend(), { describe, it });
describeBackend("prefixed(memory)", async () => prefixed(createMemoryBackend(), parseKey("a/root")), {
  describe,
  it,
});
describeBackend("retrying(memory)", async () => retrying(createMemoryBackend()), { describe, it });
