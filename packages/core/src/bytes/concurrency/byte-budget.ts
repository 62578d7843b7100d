/** Admits callers while the bytes they hold together stay within a budget. */
export interface ByteBudget {
  /** Waits until the bytes are free, in the order of the calls, and takes them. The result releases them. */
  take(bytes: number): Promise<() => void>;
}

/**
 * Makes a {@link ByteBudget}. A caller that wants more than the whole budget is admitted alone.
 *
 * @example
 * ```ts
 * const release = await budget.take(file.sizeBytes);
 * try { … } finally { release(); }
 * ```
 */
export function createByteBudget(totalBytes: number): ByteBudget {
  let free = totalBytes;
  const waiting: { readonly bytes: number; readonly enter: () => void }[] = [];
  const admit = (): void => {
    for (let next = waiting[0]; next !== undefined && next.bytes <= free; next = waiting[0]) {
      waiting.shift();
      free -= next.bytes;
      next.enter();
    }
  };
  return {
    take(wanted) {
      const bytes = Math.min(wanted, totalBytes);
      return new Promise((resolve) => {
        let held = true;
        const release = (): void => {
          if (!held) return;
          held = false;
          free += bytes;
          admit();
        };
        waiting.push({ bytes, enter: () => resolve(release) });
        admit();
      });
    },
  };
}
