import { abilitiesOf, type StorageBackend, StorageError } from "@parquetry/core/backend";
import { checkBackend, isWithin } from "@parquetry/core/unstable";

/**
 * Checks the two ends of a migration or a comparison, for callers without types too.
 *
 * @throws StorageError `invalid_argument` if one is not a backend, if both are the same place, or if one is inside the other:
 * a copy would then copy its own results, and a comparison would prove nothing.
 */
export async function checkEnds(source: StorageBackend, target: StorageBackend, op: string): Promise<void> {
  checkBackend(source, "source", op);
  checkBackend(target, "target", op);
  if (source !== target && !(await isNested(source, target))) return;
  throw new StorageError({
    code: "invalid_argument",
    op,
    message: `${source.url()} and ${target.url()} are the same place, or one is inside the other. Give two separate places (the command takes them by --from and --to).`,
  });
}

async function isNested(a: StorageBackend, b: StorageBackend): Promise<boolean> {
  // All backends in memory have the same URL.
  if (a.name !== b.name || a.name === "memory") return false;
  const [x, y] = [folderOf(a.url()), folderOf(b.url())];
  if (!isWithin(x, y) && !isWithin(y, x)) return false;
  // Different servers may have buckets of the same name.
  const here = abilitiesOf(a).directAccess;
  const there = abilitiesOf(b).directAccess;
  if (here === undefined || there === undefined) return true;
  return (await here.access()).endpoint === (await there.access()).endpoint;
}

/** A URL without its trailing slash (also that of a root), and with slashes for backslashes. */
function folderOf(url: string): string {
  return url.replaceAll("\\", "/").replace(/\/+$/, "");
}
