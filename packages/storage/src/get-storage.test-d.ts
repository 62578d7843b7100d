import type { Row, Storage } from "@parquetry/core";
import type { StorageBackend } from "@parquetry/core/backend";
import { describe, expectTypeOf, it } from "vitest";
import { getStorage, openBackend, openStorage, readStorageConfig } from "./index.ts";

describe("getStorage", () => {
  it("takes no argument or the environment, and returns tables", () => {
    expectTypeOf(getStorage).returns.resolves.toEqualTypeOf<Storage>();
    expectTypeOf(getStorage).toBeCallableWith();
    expectTypeOf(getStorage).toBeCallableWith({ env: process.env, envPrefix: "NFL", backend: "r2" });
    // @ts-expect-error a misspelt option
    void getStorage({ envprefix: "NFL" });
    // @ts-expect-error not a backend
    void getStorage({ backend: "gcs" });
  });

  it("reads rows whose values have to be narrowed", async () => {
    const rows = await (await getStorage()).readIndex("raw/plays", { year: 2024, week: ["1", "2"] });
    expectTypeOf(rows).toEqualTypeOf<Row[]>();
    expectTypeOf(rows[0]?.["yards"]).toBeUnknown();
  });
});

describe("openStorage and openBackend", () => {
  it("take a URI, and no backend, which the URI names", () => {
    expectTypeOf(openStorage).returns.resolves.toEqualTypeOf<Storage>();
    expectTypeOf(openBackend).returns.resolves.toEqualTypeOf<StorageBackend>();
    // @ts-expect-error the URI is required
    void openStorage();
    // @ts-expect-error the URI names the backend
    void openStorage("r2://bucket", { backend: "r2" });
  });
});

describe("readStorageConfig", () => {
  it("returns a configuration told apart by its backend", async () => {
    const config = await readStorageConfig();
    if (config.backend === "local") expectTypeOf(config.root).toBeString();
    else expectTypeOf(config.bucket).toBeString();
    if (config.backend === "r2")
      expectTypeOf(config.jurisdiction).toEqualTypeOf<"eu" | "us" | "fedramp" | undefined>();
  });
});
