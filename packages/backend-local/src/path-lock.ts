import { mkdir, readdir, rename, rm, rmdir, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { StorageError } from "@parquetry/core/backend";
import { ownerState, processOwner } from "@parquetry/core/unstable";
import { errnoOf } from "./local-error.ts";
import { lockName, newToken, OWN_NAME_PREFIX } from "./local-names.ts";

/** The longest wait for a lock, in milliseconds. A living process holds it only for a check and a rename. */
const WAIT_LIMIT_MS = 30_000;
/** The time after which a holder on another machine, which cannot be checked, is assumed dead, in milliseconds. */
const FOREIGN_HOLDER_LIMIT_MS = 600_000;

/**
 * Runs `critical` while no other process holds the lock of `name` in `directory`.
 *
 * The lock is a folder with one file, which is named after the holder. A process takes the lock by renaming such a folder to
 * the lock's name, which the file system allows only if there is no folder of that name, or an empty one. The lock of a dead
 * holder is broken by deleting the file of exactly its name, which deletes nothing if another process has taken the lock in
 * the meantime. So two processes never hold it at the same time, whenever any of them is killed.
 */
export async function withPathLock<T>(
  directory: string,
  name: string,
  critical: () => Promise<T>,
): Promise<T> {
  const lock = join(directory, lockName(name));
  const token = newToken();
  const mine = join(directory, `${OWN_NAME_PREFIX}${token}`);
  await mkdir(mine);
  OWN_TOKENS.add(token);
  try {
    try {
      await writeFile(join(mine, token), "");
      await take(mine, lock, name);
    } catch (error) {
      await rm(mine, { recursive: true, force: true });
      throw error;
    }
    try {
      return await critical();
    } finally {
      await unlink(join(lock, token));
      // Fails if another process has taken the lock since.
      await rmdir(lock).catch(() => {});
    }
  } finally {
    OWN_TOKENS.delete(token);
  }
}

/** The tokens that this process uses. */
const OWN_TOKENS = new Set<string>();

async function take(mine: string, lock: string, name: string): Promise<void> {
  const startedAt = performance.now();
  for (let round = 0; ; round++) {
    try {
      await rename(mine, lock);
      return;
    } catch (error) {
      // For a held lock, Linux and macOS report ENOTEMPTY or EEXIST. Windows reports EPERM or EACCES for any existing folder.
      if (!["ENOTEMPTY", "EEXIST", "EPERM", "EACCES"].includes(errnoOf(error) ?? "")) throw error;
    }
    await breakIfDead(lock);
    if (process.platform === "win32") await rmdir(lock).catch(() => {});
    if (performance.now() - startedAt > WAIT_LIMIT_MS) {
      throw new StorageError({
        code: "unavailable",
        op: "put",
        path: name,
        backend: "local",
        message: `put ${name}: another process has held ${lock} for more than ${WAIT_LIMIT_MS / 1000} s. If no writer is running, delete that folder.`,
      });
    }
    await sleep(Math.random() * Math.min(20, 1 + round));
  }
}

async function breakIfDead(lock: string): Promise<void> {
  const [token] = await readdir(lock).catch(() => []);
  if (token === undefined || !(await isDead(token, join(lock, token)))) return;
  await unlink(join(lock, token)).catch(() => {});
}

/** Whether the holder of a lock is dead. One that cannot be checked is assumed to live for ten minutes. */
async function isDead(token: string, file: string): Promise<boolean> {
  const state = ownerState(token);
  if (state !== "unknown") return state === "dead";
  // Without start times, this process looks the same as an earlier one with its id.
  if (token.startsWith(`${processOwner()}.`)) return !OWN_TOKENS.has(token);
  const written = await stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => Date.now(),
  );
  return Date.now() - written > FOREIGN_HOLDER_LIMIT_MS;
}
