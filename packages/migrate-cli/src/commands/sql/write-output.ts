import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { copyFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { whyNot } from "../../terminal/why-not.ts";
import { OutputClosed, usageError } from "../command-context.ts";

/**
 * Writes pieces to stdout as fast as the reader accepts them.
 *
 * @throws OutputClosed if the reader has gone away; StorageError `invalid_argument` if stdout is a file that cannot be written.
 */
export async function writeOutput(
  stdout: Writable,
  pieces: AsyncIterable<string | Uint8Array> | Iterable<string>,
): Promise<void> {
  try {
    await writeText(stdout, pieces);
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error && error.syscall === "write")) throw error;
    if ("code" in error && error.code === "EPIPE") throw new OutputClosed();
    throw usageError(`the output cannot be written: ${whyNot(error)}.`, error);
  }
}

async function writeText(
  stream: Writable,
  pieces: AsyncIterable<string | Uint8Array> | Iterable<string>,
): Promise<void> {
  for await (const piece of pieces) {
    if (piece === "") continue;
    if (stream.destroyed) throw new OutputClosed();
    if (!stream.write(piece)) await Promise.race([once(stream, "drain"), once(stream, "close")]);
  }
}

/** Error codes that the caller resolves by another path. */
const UNWRITABLE: ReadonlySet<string> = new Set([
  "ENOENT",
  "ENOTDIR",
  "EISDIR",
  "EACCES",
  "EPERM",
  "EROFS",
  "ENOSPC",
]);

/** Writes a file that appears whole or not at all. */
export async function writeFileWhole(path: string, write: (part: string) => Promise<void>): Promise<void> {
  const part = join(dirname(path), `.${basename(path)}.${randomUUID()}.part`);
  try {
    await write(part);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (UNWRITABLE.has(code))
      throw usageError(`--output ${path} cannot be written: ${whyNot(error)}.`, error);
    throw error;
  }
}

/** Writes text pieces to a file. */
export async function writeTextFile(
  path: string,
  pieces: AsyncIterable<string> | Iterable<string>,
): Promise<void> {
  await writeFileWhole(path, async (part) => {
    const stream = createWriteStream(part, { flags: "wx" });
    const done = finished(stream);
    // A failure to open is thrown by the await below; without this it would be unhandled until then.
    done.catch(() => {});
    await Promise.race([once(stream, "open"), done]);
    await writeText(stream, pieces);
    stream.end();
    await done;
  });
}

/** Copies a file, also to another file system, so that it appears whole. */
export async function copyWhole(from: string, to: string): Promise<void> {
  await writeFileWhole(to, (part) => copyFile(from, part));
}
