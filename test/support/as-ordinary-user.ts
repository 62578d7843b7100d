/** A user that owns nothing. */
export const NOBODY = 65_534;

/** Runs something as a user whom a mode can keep out: root may read everything. */
export async function asOrdinaryUser<T>(run: () => Promise<T>): Promise<T> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    return await run();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}
