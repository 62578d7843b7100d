/**
 * Reads the start of a body to find out whether it is small.
 *
 * @returns the whole body as `head` if it has at most `limit` bytes; otherwise `rest`, the whole body from its start.
 */
export async function peek(
  body: AsyncIterable<Uint8Array>,
  limit: number,
): Promise<{ readonly head: Uint8Array; readonly rest: AsyncIterable<Uint8Array> | undefined }> {
  const iterator = body[Symbol.asyncIterator]();
  const held: Uint8Array[] = [];
  let bytes = 0;
  while (bytes <= limit) {
    const next = await iterator.next();
    if (next.done) return { head: Buffer.concat(held), rest: undefined };
    held.push(next.value);
    bytes += next.value.byteLength;
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      yield* held.splice(0);
      for (;;) {
        const next = await iterator.next();
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  return { head: new Uint8Array(), rest: all() };
}
