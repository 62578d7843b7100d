import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseKey } from "@parquetry/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLocalBackend } from "./local-backend.ts";

let root: string;
let outside: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-open-"));
  outside = await mkdtemp(join(tmpdir(), "parquetry-outside-"));
  await mkdir(join(root, "a"));
  await writeFile(join(root, "a", "file"), "inside");
  await writeFile(join(outside, "file"), "outside");
});
afterEach(async () => {
  await rm(root, { recursive: true });
  await rm(outside, { recursive: true });
});

async function read(key: string): Promise<string> {
  const backend = await createLocalBackend({ root });
  const { body } = await backend.get(parseKey(key));
  return Buffer.from(await body.bytes()).toString();
}

describe.skipIf(process.platform === "win32")("what is opened is what the path names", () => {
  it("refuses a file whose folder was replaced by a link after an earlier read", async () => {
    const backend = await createLocalBackend({ root });
    const key = parseKey("a/file");
    expect((await backend.get(key)).info.sizeBytes).toBe(6);
    await rename(join(root, "a"), join(root, "b"));
    await symlink(outside, join(root, "a"));
    await expect(backend.get(key)).rejects.toMatchObject({
      code: "invalid_path",
      message: expect.stringContaining("is a symbolic link to"),
    });
    expect(await read("b/file")).toBe("inside");
  });

  it("refuses a link, pipe, socket or folder by name, without waiting for it", async () => {
    await symlink(join(outside, "file"), join(root, "a", "link"));
    await symlink(join(root, "nowhere"), join(root, "a", "dangling"));
    execFileSync("mkfifo", [join(root, "a", "pipe")]);
    const server = createServer().listen(join(root, "a", "socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    for (const [key, code, message] of [
      ["a/link", "invalid_path", "is a symbolic link"],
      ["a/dangling", "invalid_path", "is a symbolic link"],
      ["a/pipe", "invalid_path", "is not a regular file"],
      ["a/socket", "invalid_path", "is not a regular file"],
      ["a", "not_found", "is a folder"],
      ["a/missing", "not_found", "no such file"],
      ["a/file/below", "not_found", "part of its path is a file"],
    ] as const) {
      await expect(read(key), key).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    }
    server.close();
  });

  it("reads to its end a file that is deleted during the read", async () => {
    const backend = await createLocalBackend({ root });
    const { body } = await backend.get(parseKey("a/file"));
    await rm(join(root, "a"), { recursive: true });
    expect(Buffer.from(await body.bytes()).toString()).toBe("inside");
  });
});
