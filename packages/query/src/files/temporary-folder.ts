import { mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownerState, processOwner } from "@parquetry/core/unstable";

const PREFIX = "parquetry-query-";

/**
 * Creates a private folder in the system's temporary directory, whose path contains no links and whose name says to which process
 * it belongs. Removes the folders of processes that ended without doing so.
 */
export async function makeTemporaryFolder(): Promise<string> {
  await removeAbandoned();
  return realpath(await mkdtemp(join(tmpdir(), `${PREFIX}${processOwner()}.`)));
}

/** Folders whose owner is not known to be dead may belong to another container or machine, and stay. */
async function removeAbandoned(): Promise<void> {
  const names = await readdir(tmpdir()).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(PREFIX) || ownerState(name) !== "dead") continue;
    // Another process may be removing it, or it belongs to another user.
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {});
  }
}
