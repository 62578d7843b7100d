import { type StorageBackend, StorageError } from "@parquetry/core";
import { describe, expect, it } from "vitest";
import { contents, memoryTree } from "../../test/support/memory-tree.ts";
import type { Check } from "./check.ts";
import { doctor } from "./doctor.ts";

const statuses = async (backend: StorageBackend, isSource = false): Promise<Record<string, string>> => {
  const checks = await doctor([{ name: "bucket", open: async () => backend, isSource }]);
  return Object.fromEntries(checks.map(({ name, status }) => [name, status]));
};

const denied = (op: string): never => {
  throw new StorageError({ code: "permission_denied", op, path: "x", message: `${op}: not allowed` });
};

describe("doctor", () => {
  it("passes all checks of a healthy store, and leaves nothing in it", async () => {
    const backend = await memoryTree({ "raw/a": "1" });
    expect(await statuses(backend)).toEqual({
      "bucket: configuration": "ok",
      "bucket: list": "ok",
      "bucket: write": "ok",
      "bucket: read": "ok",
      "bucket: clock": "ok",
      "bucket: delete": "ok",
    });
    expect(await contents(backend)).toEqual({ "raw/a": "1" });
  });

  it("only warns if a source cannot be written to", async () => {
    const backend = { ...(await memoryTree({ "raw/a": "1" })), put: async () => denied("put") };
    expect(await statuses(backend, true)).toMatchObject({
      "bucket: list": "ok",
      "bucket: write": "warn",
      "bucket: read": "skip",
      "names: usable": "ok",
    });
    expect(await statuses(backend)).toMatchObject({ "bucket: write": "fail" });
  });

  it("checks each permission separately", async () => {
    const backend = await memoryTree();
    const cases: readonly [string, Partial<StorageBackend>, Record<string, string>][] = [
      [
        "write",
        { put: async () => denied("put") },
        { write: "fail", read: "skip", delete: "skip", list: "ok" },
      ],
      ["read", { get: async () => denied("get") }, { write: "ok", read: "fail", delete: "ok" }],
      [
        "delete",
        {
          async *delete(keys) {
            for await (const key of keys) {
              const error = new StorageError({ code: "permission_denied", op: "delete", message: "no" });
              yield { key, error };
            }
          },
        },
        { write: "ok", delete: "fail" },
      ],
    ];
    for (const [, broken, expected] of cases) {
      const found = await statuses({ ...backend, ...broken });
      for (const [check, status] of Object.entries(expected)) expect(found[`bucket: ${check}`]).toBe(status);
    }
  });

  it("reports a shared cause once, and skips the checks that depend on it", async () => {
    const backend = await memoryTree();
    const refuse = (op: string): never => {
      throw new StorageError({ code: "unauthenticated", op, message: `${op}: the key is wrong` });
    };
    const checks = await doctor([
      {
        name: "bucket",
        open: async () => ({
          ...backend,
          list: () => refuse("list"),
          put: async () => refuse("put"),
        }),
      },
    ]);
    expect(checks.filter(({ status }) => status === "fail")).toHaveLength(1);
    expect(checks.filter(({ status }) => status === "skip").map(({ name }) => name)).toEqual([
      "bucket: write",
      "bucket: read",
      "bucket: delete",
    ]);
  });

  it("warns about a clock that is far off", async () => {
    const backend = await memoryTree();
    const behind: StorageBackend = {
      ...backend,
      head: async (key, options) => ({ ...(await backend.head(key, options)), lastModified: new Date(0) }),
    };
    expect((await statuses(behind))["bucket: clock"]).toBe("warn");
  });

  it("reports a store that cannot be opened, and checks the next one", async () => {
    const checks = await doctor([
      {
        name: "data root",
        open: async () => {
          throw new StorageError({ code: "invalid_argument", op: "config", message: "DATA_ROOT is missing" });
        },
      },
      { name: "bucket", open: () => memoryTree() },
    ]);
    expect(checks[0]).toMatchObject({
      name: "data root: configuration",
      status: "fail",
      detail: "DATA_ROOT is missing",
    });
    expect(checks).toHaveLength(7);
  });

  it("names files that collide or cannot round-trip", async () => {
    const backend = await memoryTree({
      "raw/Plays/a": "1",
      "raw/plays/a": "2",
      "raw/plays/b": "3",
      "raw/team=Jose\u0301/a": "4",
      "raw/team=Jos\u00e9/a": "5",
    });
    const checks = await doctor([{ name: "bucket", open: async () => backend, isSource: true }]);
    const collisions = checks.find(({ name }) => name.startsWith("names: case"));
    expect(collisions?.status).toBe("warn");
    expect(collisions?.detail).toBe(
      "2 collide: raw/Plays/a and raw/plays/a, raw/team=Jose\u0301/a and raw/team=Jos\u00e9/a",
    );
    expect(checks.find(({ name }) => name === "names: composed (NFC)")?.detail).toContain(
      "raw/team=Jose\u0301/a",
    );
    expect((await statuses(await memoryTree({ a: "1" }), true))["names: case and Unicode form"]).toBe("ok");
  });

  it("names files that no directory, or none of Windows, can hold, with the command that renames the first", async () => {
    const backend = await memoryTree({
      "raw/a": "1",
      "raw/a/b": "2",
      [`raw/${"x".repeat(256)}`]: "3",
      "raw/c\u001b[31md": "4",
      "raw/e:f": "5",
      "raw/end.": "6",
      "raw/con.csv": "7",
      "raw/conference.csv": "8",
      "raw/it's": "9",
    });
    const checks = await doctor([{ name: "bucket", open: async () => backend, isSource: true }]);
    const found = (name: string): Check | undefined =>
      checks.find((check) => check.name === `names: ${name}`);
    expect(found("files of a directory")).toMatchObject({
      status: "warn",
      detail: expect.stringMatching(
        /^2 cannot be files of a directory: raw\/a\/b \(raw\/a is a file\), raw\/x+ \(it has a name of 256 bytes\)$/,
      ),
      remedy: expect.stringContaining("aws s3 mv "),
    });
    expect(found("Windows")?.detail).toBe("3 cannot be files on Windows: raw/con.csv, raw/e:f, raw/end.");
    expect(found("control characters")).toMatchObject({
      status: "warn",
      detail: "1 hold control characters: raw/c\\x1b[31md",
      remedy: expect.stringContaining("raw/c\\x1b[31md' "),
    });
    expect(
      checks.filter(({ name }) => name.startsWith("names: ")).map(({ remedy }) => remedy?.includes("\u001b")),
    ).not.toContain(true);
  });
});
