import { hash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Md5Lanes, type Md5Run, sharedMemory } from "./md5-lanes.ts";

const MEMORY_BYTES = 256 * 1024;

describe.each([
  ["with SIMD", true],
  ["without SIMD", false],
])("Md5Lanes %s", (_, hasSimd) => {
  const memory = sharedMemory(MEMORY_BYTES);
  const bytes = new Uint8Array(memory.buffer);
  const lanes = new Md5Lanes(memory, hasSimd);

  it("computes the MD5s of any number of contents of any length, in pieces of any size", () => {
    const content = fc.record({
      length: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 20_000 })),
      pieceBlocks: fc.integer({ min: 1, max: 100 }),
      seed: fc.integer({ min: 0, max: 255 }),
    });
    fc.assert(
      fc.property(fc.array(content, { minLength: 1, maxLength: 9 }), (contents) => {
        let end = 0;
        const all = contents.map(({ length, pieceBlocks, seed }) => {
          const start = end;
          end += length;
          for (let i = 0; i < length; i++) bytes[start + i] = (i * 31 + seed) ^ (i >> 8);
          return { at: start, end, pieceBytes: pieceBlocks * 64, run: lanes.begin() };
        });
        const expected = all.map(({ at, end }) => hash("md5", bytes.slice(at, end), "hex"));
        const isOpen = ({ run }: { readonly run: Md5Run }): boolean => run.md5 === undefined;
        while (all.some(isOpen)) {
          lanes.add(
            all.filter(isOpen).map((one) => {
              const { at: offset, pieceBytes, run } = one;
              const length = Math.min(pieceBytes, one.end - offset);
              one.at += length;
              return { run, offset, length, isLast: one.at === one.end };
            }),
          );
        }
        expect(all.map(({ run }) => run.md5)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});

it("computes MD5s of more than 512 MiB, whose length in bits takes more than 32 bits", {
  timeout: 60_000,
}, () => {
  const pieceBytes = 16 * 1024 * 1024;
  const memory = sharedMemory(pieceBytes);
  const lanes = new Md5Lanes(memory);
  const content = new Uint8Array(memory.buffer, 0, pieceBytes).fill(7);
  const reference = lanes.begin();
  const pieces = 33;
  for (let i = 1; i <= pieces; i++)
    lanes.add([{ run: reference, offset: 0, length: pieceBytes, isLast: i === pieces }]);
  const whole = new Md5Lanes(memory, false);
  const other = whole.begin();
  for (let i = 1; i <= pieces; i++)
    whole.add([{ run: other, offset: 0, length: content.byteLength, isLast: i === pieces }]);
  expect(reference.md5).toBe(other.md5);
});
