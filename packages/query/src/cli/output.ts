import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { copyFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { usage } from "./usage.ts";

/** Thrown where the reader of our output went away (`| head`): there is nothing more to do, and nothing wrong. */
export class OutputClosed extends Error {}

/** Writes text piece by piece, as fast as the reader takes it. */
export async function writeText(
  stream: Writable,
  pieces: AsyncIterable<string> | Iterable<string>,
): Promise<void> {
  for await (const piece of pieces) {
    if (piece === "") continue;
    if (stream.destroyed) throw new OutputClosed();
    if (!stream.write(piece)) await Promise.race([once(stream, "drain"), once(stream, "close")]);
  }
}

/** What the system says where there is no folder to write into, or it may not be written. */
const UNWRITABLE: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "EACCES", "EPERM", "EROFS"]);

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
      throw usage(`--output ${path} cannot be written (${code}): look at its folder`, error);
    throw error;
  }
}

/** Writes text pieces to a file. */
export async function writeTextFile(path: string, pieces: AsyncIterable<string>): Promise<void> {
  await writeFileWhole(path, async (part) => {
    const stream = createWriteStream(part, { flags: "wx" });
    const done = finished(stream);
    // A failure to open is thrown where it is awaited, not "unhandled" before.
    done.catch(() => {});
    await Promise.race([once(stream, "open"), done]);
    await writeText(stream, pieces);
    stream.end();
    await done;
  });
}

/** Copies a file to where it is wanted, across file systems too. */
export async function copyWhole(from: string, to: string): Promise<void> {
  await writeFileWhole(to, (part) => copyFile(from, part));
}
