import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { partition, Storage } from "@parquetry/core";
import { describeBackend } from "@parquetry/testkit";
import { createKeyValueBackend } from "./key-value-backend.mjs";
import { KeyValueStore } from "./key-value-store.mjs";

describeBackend("kv", async () => createKeyValueBackend(new KeyValueStore()), { describe, it });

it("holds tables", async () => {
  const storage = new Storage(createKeyValueBackend(new KeyValueStore()));
  await storage.write("raw/games", [{ home: "Rice" }], partition({ year: 2024 }));
  assert.deepEqual(await storage.readIndex("raw/games"), [{ home: "Rice", year: "2024" }]);
});
