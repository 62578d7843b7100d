/** Park and Miller's generator: the same damage in every run. */
export function* numbers(seed) {
  for (let state = (seed % 2_147_483_646) + 1; ; ) {
    state = (state * 48_271) % 2_147_483_647;
    yield state;
  }
}

/** A file with one to three flipped bits; every third time with a byte set to 0, 127, 128 or 255. */
export function damage(good, seed) {
  const random = numbers(seed * 7919 + 13);
  // The first of a sequence are as close to each other as their seeds.
  for (let i = 0; i < 3; i++) random.next();
  const damaged = new Uint8Array(good);
  for (let flips = 1 + (random.next().value % 3); flips > 0; flips--) {
    const at = random.next().value % damaged.byteLength;
    const extreme = random.next().value % 3 === 0;
    damaged[at] = extreme
      ? [0, 127, 128, 255][random.next().value % 4]
      : damaged[at] ^ (1 << (random.next().value % 8));
  }
  return damaged;
}
