/** A call that takes longer hangs. */
const LIMIT_MS = Number(process.env.LIMIT_MS ?? 20_000);

const isAsyncIterable = (value) => typeof value?.[Symbol.asyncIterator] === "function";

/**
 * Makes a call and waits for all that it does: a promise, and every step of an iteration.
 *
 * @returns how it ended: `value`, or `error` with `sync` where it was thrown rather than rejected, or `hung`.
 */
export async function attempt(call) {
  let returned;
  try {
    returned = call();
  } catch (error) {
    return { error, sync: true };
  }
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve({ hung: true }), LIMIT_MS);
  });
  try {
    return await Promise.race([settle(returned), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function settle(returned) {
  let isAsync = false;
  try {
    isAsync = typeof returned?.then === "function" || isAsyncIterable(returned);
    const value = await returned;
    // A result with methods, such as a cursor, is not used up: its own methods are called as well.
    const isIteration =
      isAsyncIterable(value) && typeof value.close !== "function" && typeof value.cancel !== "function";
    if (isIteration) for await (const _ of value);
    return { value, isAsync };
  } catch (error) {
    return { error, isAsync };
  }
}

/** Closes whatever a call opened. */
export async function closeResult(value) {
  if (value?.body !== undefined) await closeResult(value.body);
  for (const method of ["close", "cancel"]) {
    if (typeof value?.[method] === "function") {
      await value[method]();
      return;
    }
  }
}
