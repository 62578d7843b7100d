/** The id of a user that owns no files. */
export const NOBODY = 65_534;

/** Runs something as a user to whom file modes apply. They do not apply to root. */
export async function asOrdinaryUser<T>(run: () => Promise<T>): Promise<T> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    return await run();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}
