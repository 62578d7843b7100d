/** The number of MD5s that one call of the module computes: as many as a SIMD register has words. */
export const LANES = 4;

/** The size of the table of constants that the module reads, in bytes. */
export const TABLE_BYTES: number = 64 * 16;

/** The size of the state, in bytes: the four words of each lane, word by word. */
export const STATE_BYTES: number = 4 * 16;

/** The shifts of the four rounds (RFC 1321, 3.4). */
const SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
] as const;

/** The index of the message word that a step adds. */
const WORD_OF: readonly ((step: number) => number)[] = [
  (step) => step,
  (step) => 5 * step + 1,
  (step) => 3 * step + 5,
  (step) => 7 * step,
];

/** Returns the table of constants, each of them once for every lane. */
export function md5Table(): Uint32Array {
  const constant = (step: number): number => Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32);
  return Uint32Array.from({ length: TABLE_BYTES / 4 }, (_, i) => constant(Math.floor(i / LANES)));
}

type Code = readonly number[];

const simd = (opcode: number, ...immediates: readonly number[]): Code => [
  0xfd,
  ...unsigned(opcode),
  ...immediates,
];
const load = (offset: number): Code => simd(0x00, 4, ...unsigned(offset));
const store = (offset: number): Code => simd(0x0b, 4, ...unsigned(offset));
const [NOT, AND, AND_NOT, OR, XOR] = [0x4d, 0x4e, 0x4f, 0x50, 0x51].map((opcode) => simd(opcode)) as [
  Code,
  Code,
  Code,
  Code,
  Code,
];
const [SHIFT_LEFT, SHIFT_RIGHT, ADD] = [simd(0xab), simd(0xad), simd(0xae)];
const get = (local: number): Code => [0x20, ...unsigned(local)];
const set = (local: number): Code => [0x21, ...unsigned(local)];
const tee = (local: number): Code => [0x22, ...unsigned(local)];
const [LOOP, REPEAT_IF, END] = [[0x03, 0x40], [0x0d, 0x00], [0x0b]];
const [ADD_INTEGER, SUBTRACT_INTEGER] = [[0x6a], [0x6b]];
/** A constant below 128, in signed LEB128. */
const integer = (value: number): Code => [0x41, ...(value < 64 ? [value] : [value | 0x80, 0x00])];
const [INTEGER, VECTOR] = [0x7f, 0x7b];

/** Takes words of two vectors, of which the second has the words 4 to 7. */
const shuffle = (...words: readonly number[]): Code =>
  simd(0x0d, ...words.flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * word + byte)));

// Parameters: an address for each lane, the number of blocks, the address of the state, that of the table.
const [BLOCKS, STATE, TABLE] = [LANES, LANES + 1, LANES + 2];
const PARAMETERS = LANES + 3;
// Locals: the four words a, b, c, d; the sixteen words of a block; the state before it; temporary ones.
const STATE_WORD = PARAMETERS;
const WORD = STATE_WORD + 4;
const BEFORE = WORD + 16;
const TEMPORARY = BEFORE + 4;
const VECTORS = TEMPORARY + LANES - PARAMETERS;
const FOUR = [0, 1, 2, 3] as const;

/**
 * Returns a WebAssembly module whose function `update` adds a number of 64-byte blocks to four MD5s at the same time, with SIMD
 * instructions. Its memory is imported.
 */
export function md5Module(): Uint8Array {
  const code = [...FOUR.flatMap((i) => [get(STATE), load(16 * i), set(STATE_WORD + i)]), LOOP];
  code.push(...FOUR.flatMap((i) => [get(STATE_WORD + i), set(BEFORE + i)]));
  for (const quarter of FOUR) code.push(...loadWords(quarter));
  for (let step = 0; step < 64; step++) code.push(...stepCode(step));
  code.push(...FOUR.flatMap((i) => [get(STATE_WORD + i), get(BEFORE + i), ADD, set(STATE_WORD + i)]));
  code.push(...FOUR.flatMap((lane) => [get(lane), integer(64), ADD_INTEGER, set(lane)]));
  code.push(get(BLOCKS), integer(1), SUBTRACT_INTEGER, tee(BLOCKS), REPEAT_IF, END);
  code.push(...FOUR.flatMap((i) => [get(STATE), get(STATE_WORD + i), store(16 * i)]), END);

  const body = [1, ...unsigned(VECTORS), VECTOR, ...code.flat()];
  const parameters = Array<number>(PARAMETERS).fill(INTEGER);
  const sharedMemory = [0x02, 0x03, ...unsigned(1), ...unsigned(65_536)];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, PARAMETERS, ...parameters, 0]),
    ...section(2, [1, ...text("environment"), ...text("memory"), ...sharedMemory]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...text("update"), 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ]);
}

/** Loads four words of each lane, and transposes them: a vector then holds the same word of all lanes. */
function loadWords(quarter: number): Code[] {
  const first = WORD + 4 * quarter;
  const [t0, t1, t2, t3] = FOUR.map((i) => TEMPORARY + i) as [number, number, number, number];
  return [
    ...FOUR.flatMap((lane) => [get(lane), load(16 * quarter), set(TEMPORARY + lane)]),
    ...[get(t0), get(t1), shuffle(0, 4, 1, 5), set(first)],
    ...[get(t0), get(t1), shuffle(2, 6, 3, 7), set(first + 2)],
    ...[get(t2), get(t3), shuffle(0, 4, 1, 5), set(t0)],
    ...[get(t2), get(t3), shuffle(2, 6, 3, 7), set(t1)],
    ...[get(first), get(t0), shuffle(2, 3, 6, 7), set(first + 1)],
    ...[get(first), get(t0), shuffle(0, 1, 4, 5), set(first)],
    ...[get(first + 2), get(t1), shuffle(2, 3, 6, 7), set(first + 3)],
    ...[get(first + 2), get(t1), shuffle(0, 1, 4, 5), set(first + 2)],
  ];
}

/** One of the 64 steps: a = b + rotate(a + f(b, c, d) + word + constant). */
function stepCode(step: number): Code[] {
  const round = step >> 4;
  const [a, b, c, d] = FOUR.map((i) => STATE_WORD + ((i - step) & 3)) as [number, number, number, number];
  const word = (WORD_OF[round]?.(step) ?? 0) % 16;
  const shift = SHIFTS[round]?.[step % 4] ?? 0;
  const mixed: readonly Code[][] = [
    [get(c), get(d), XOR, get(b), AND, get(d), XOR, ADD],
    // As two sums, so that the next step waits for one operation on b less.
    [get(c), get(d), AND_NOT, ADD, get(b), get(d), AND, ADD],
    [get(c), get(d), XOR, get(b), XOR, ADD],
    [get(d), NOT, get(b), OR, get(c), XOR, ADD],
  ];
  return [
    ...[get(a), get(WORD + word), ADD, get(TABLE), load(16 * step), ADD],
    ...(mixed[round] ?? []),
    ...[tee(TEMPORARY), integer(shift), SHIFT_LEFT],
    ...[get(TEMPORARY), integer(32 - shift), SHIFT_RIGHT, OR],
    ...[get(b), ADD, set(a)],
  ];
}

function section(id: number, content: Code): Code {
  return [id, ...unsigned(content.length), ...content];
}

function text(value: string): Code {
  return [value.length, ...Buffer.from(value)];
}

/** An unsigned number in LEB128. */
function unsigned(value: number): Code {
  const rest = Math.floor(value / 128);
  return rest === 0 ? [value] : [(value % 128) | 0x80, ...unsigned(rest)];
}
