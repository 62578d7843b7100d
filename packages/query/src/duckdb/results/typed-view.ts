interface View<T> {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
}

/** A typed array over bytes, which may have come from another process, at any place in a message. */
export function typedView<T>(type: View<T>, bytes: Uint8Array): T {
  const size = type.BYTES_PER_ELEMENT;
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new type(buffer, byteOffset, byteLength / size);
}
