import fc from "fast-check";
import { compressors } from "hyparquet-compressors";
import { describe, expect, it } from "vitest";
import { ByteSink } from "./byte-sink.ts";
import { appendSnappy } from "./snappy.ts";

function compress(bytes: Uint8Array): Uint8Array {
  const sink = new ByteSink();
  appendSnappy(sink, bytes);
  return sink.take();
}

/** A decoder of others: hysnappy, C compiled to WebAssembly. */
function decompress(bytes: Uint8Array, size: number): Uint8Array {
  if (compressors.SNAPPY === undefined) throw new Error("no decoder of Snappy");
  return compressors.SNAPPY(bytes, size);
}

function expectBack(bytes: Uint8Array): void {
  const back = decompress(compress(bytes), bytes.byteLength);
  // A difference of megabytes is not shown.
  expect(Buffer.from(back).equals(bytes)).toBe(true);
}

/** Bytes of a linear congruential generator (Numerical Recipes), in which Snappy finds no repetition. */
function noise(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let state = seed;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

describe("appendSnappy", () => {
  const noisy = fc.uint8Array({ maxLength: 100 });
  const run = fc
    .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 300 }))
    .map(([byte, length]) => new Uint8Array(length).fill(byte));
  const parts = fc.array(fc.oneof(noisy, run), { maxLength: 60 });

  it("returns what a decoder returns as it was", () => {
    fc.assert(
      fc.property(parts, fc.array(fc.nat({ max: 59 }), { maxLength: 60 }), (list, repeated) => {
        const again = repeated.map((i) => list[i % Math.max(1, list.length)] ?? new Uint8Array());
        expectBack(Buffer.concat([...list, ...again]));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ["no byte", 0],
    ["fewer bytes than a repetition", 3],
    ["four bytes", 4],
    ["a literal whose length is in its tag", 60],
    ["a literal whose length takes a byte", 61],
    ["the longest one", 2 ** 8],
    ["a literal whose length takes two bytes", 2 ** 8 + 1],
    ["the longest one of two bytes", 2 ** 16],
    ["a literal whose length takes three bytes", 2 ** 16 + 1],
    ["the longest one of three bytes", 2 ** 24],
    ["a literal whose length takes four bytes", 2 ** 24 + 1],
  ])("keeps %s", (_, size) => {
    expectBack(noise(size));
    expectBack(new Uint8Array(size).fill(7));
  });

  it.each([4, 11, 12, 63, 64, 65, 67, 68, 69, 127, 128, 132, 1000])("copies %i bytes", (length) => {
    for (const distance of [length, 2047, 2048, 65_534, 65_535, 65_536]) {
      const text = noise(length, 9);
      const bytes = Buffer.concat([text, noise(Math.max(0, distance - length), 3), text, noise(10, 5)]);
      expectBack(bytes);
    }
  });

  it("finds repetitions over the whole page", () => {
    const block = noise(60_000);
    const bytes = Buffer.concat(Array.from({ length: 20 }, () => block));
    expect(compress(bytes).byteLength).toBeLessThan(1.1 * (60_000 + (20 * 60_000 * 3) / 64));
    expectBack(bytes);
    expect(compress(new Uint8Array(2 ** 20)).byteLength).toBeLessThan(2 ** 20 / 20);
  });

  it("takes at most a few bytes more than noise has", () => {
    expect(compress(noise(2 ** 20)).byteLength).toBeLessThan(2 ** 20 + 1000);
  });

  it("appends to what the sink holds, and reads a part of a buffer", () => {
    const sink = new ByteSink();
    sink.append(new Uint8Array([1, 2, 3]));
    const whole = noise(5000);
    appendSnappy(sink, whole.subarray(17, 4017));
    const bytes = sink.take();
    expect(bytes.subarray(0, 3)).toEqual(new Uint8Array([1, 2, 3]));
    expect(decompress(bytes.subarray(3), 4000)).toEqual(whole.subarray(17, 4017));
  });
});
