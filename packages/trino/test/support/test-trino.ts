import { randomUUID } from "node:crypto";
import { createS3Backend } from "@parquetry/backend-s3";
import { parseKey, type StorageBackend } from "@parquetry/core";
import { describe } from "vitest";
import { TrinoClient } from "../../src/index.ts";

/** A Trino that `scripts/engines.mjs` has started. */
interface TestTrino {
  readonly url: string;
  /** Its https port, and who may ask there. */
  readonly secure: { readonly url: string; readonly user: string; readonly password: string };
  /** The catalog over `s3`. With `_strict` behind its name, it has Trino's defaults. */
  readonly catalog: string;
  readonly s3: TestStore;
  /** Where large results are spooled to, below `spooled/`. */
  readonly spool: TestStore;
}

interface TestStore {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

const text = process.env["PARQUETRY_TEST_TRINO"];
if (text === undefined) console.log("SKIPPED: Trino, which `pnpm test:engines` starts.");

const NO_STORE: TestStore = {
  endpoint: "",
  region: "",
  bucket: "",
  credentials: { accessKeyId: "", secretAccessKey: "" },
};
const NONE: TestTrino = {
  url: "",
  secure: { url: "", user: "", password: "" },
  catalog: "hive",
  s3: NO_STORE,
  spool: NO_STORE,
};

export const TEST_TRINO: TestTrino = text === undefined ? NONE : JSON.parse(text);

/** `describe`, skipped without a Trino. */
export const describeTrino: typeof describe.skip = text === undefined ? describe.skip : describe;

/** A client of a new schema. */
export async function newSchema(catalog: string = TEST_TRINO.catalog): Promise<TrinoClient> {
  const schema = `test_${randomUUID().replaceAll("-", "_")}`;
  const client = new TrinoClient({ url: TEST_TRINO.url, catalog, schema });
  await client.rows(`CREATE SCHEMA ${catalog}.${schema}`);
  return client;
}

/** An empty prefix of the bucket that Trino reads. */
export function newS3Backend(): StorageBackend {
  const { s3 } = TEST_TRINO;
  return createS3Backend({ ...s3, prefix: parseKey(randomUUID()) });
}
