import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { partition, Storage } from "@parquetry/core";
import { openQuery } from "@parquetry/query";
import { expect, it } from "vitest";
import { registerTable, TrinoClient, trino } from "../../src/index.ts";
import { describeTrino, newS3Backend, newSchema, TEST_TRINO } from "../support/test-trino.ts";

const { secure, catalog } = TEST_TRINO;
const { url, user, password } = secure;

const clientOf = (options: { user?: string; auth?: { password: string } }): TrinoClient =>
  new TrinoClient({ url, catalog, schema: "default", ...options });

describeTrino("a cluster with TLS and passwords", () => {
  it("takes the password of a user", async () => {
    const client = clientOf({ user, auth: { password } });
    expect(await client.rows("SELECT current_user")).toEqual([[user]]);
  });

  it("answers queries over the committed files", async () => {
    const storage = new Storage(newS3Backend());
    await storage.write("raw/plays", [{ yards: 7 }, { yards: null }], partition({ year: 2024 }));
    const { schema } = await newSchema();
    const connection = { url, catalog, schema, user, auth: { password } };
    await using here = await openQuery(storage);
    await registerTable(new TrinoClient(connection), storage.backend, await here.describe("plays"));
    await using db = await openQuery(storage, { engine: trino(connection) });
    const { rows } = await db.sql(
      "SELECT count(*) AS n, sum(yards) AS yards FROM plays WHERE yards > ?",
      [5],
    );
    expect(rows).toEqual([{ n: 1, yards: 7 }]);
    await storage.close();
  });

  it.each<[string, { user?: string; auth?: { password: string } }]>([
    ["a wrong password", { user, auth: { password: "hunter2" } }],
    ["the password of another user", { user: "eve", auth: { password } }],
    ["no password", { user }],
  ])("refuses %s, without showing it", async (_, options) => {
    const failed = await clientOf(options)
      .rows("SELECT 1")
      .catch((thrown) => thrown);
    expect(failed).toMatchObject({ code: "unauthenticated", storeCode: "HTTP 401" });
    const shown = `${failed.stack} ${JSON.stringify(failed)}`;
    expect(shown).not.toContain("hunter2");
    expect(shown).not.toContain(password);
  });

  it("is not trusted without NODE_EXTRA_CA_CERTS, and gets no password then", async () => {
    const program = `
      import { TrinoClient } from ${JSON.stringify(import.meta.resolve("@parquetry/trino"))};
      const retry = { maxAttempts: 1, baseDelayMs: 1, maxDelayMs: 1 };
      const client = new TrinoClient({ ...${JSON.stringify({ url, catalog, user, auth: { password } })}, schema: "default" });
      console.log(JSON.stringify(await client.rows("SELECT 1").catch((error) => error)));`;
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: "" };
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
      env,
    });
    expect(JSON.parse(stdout)).toMatchObject({
      code: "unavailable",
      storeCode: "DEPTH_ZERO_SELF_SIGNED_CERT",
    });
    expect(stdout).not.toContain(password);
  });
});
