/** Park and Miller's generator, so that every run makes the same damage. */
export function* numbers(seed) {
  for (let state = (seed % 2_147_483_646) + 1; ; ) {
    state = (state * 48_271) % 2_147_483_647;
    yield state;
  }
}

/** Returns a copy of a file with one to three flipped bits; in a third of cases a whole byte becomes 0, 127, 128 or 255 instead. */
export function damage(good, seed) {
  const random = numbers(seed * 7919 + 13);
  // The first numbers of two sequences are as close together as their seeds.
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
