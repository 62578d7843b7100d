/** Writes Parquet footers field by field, for files that no writer of this project makes. */

/** A value in Thrift's compact protocol: its type and its bytes. */
type Thrift = readonly [type: number, bytes: readonly number[]];

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

const integer = (type: number, value: number): Thrift => [
  type,
  varint(value < 0 ? -2 * value - 1 : 2 * value),
];
const i32 = (value: number): Thrift => integer(5, value);
const i64 = (value: number): Thrift => integer(6, value);
const binary = (text: string): Thrift => [8, [...varint(text.length), ...Buffer.from(text)]];
const list = (...items: readonly Thrift[]): Thrift => [
  9,
  [(items.length << 4) | (items[0]?.[0] ?? 12), ...items.flatMap(([, bytes]) => bytes)],
];

/** @param fields by number, ascending and less than 16 apart. */
function struct(fields: Readonly<Record<number, Thrift>>): Thrift {
  let last = 0;
  const bytes = Object.entries(fields).flatMap(([number, [type, value]]) => {
    const delta = Number(number) - last;
    last = Number(number);
    return [(delta << 4) | type, ...value];
  });
  return [12, [...bytes, 0]];
}

/** One row in a column `a` of type INT64. */
function parquet(
  element: Readonly<Record<number, Thrift>>,
  chunk: Readonly<Record<number, Thrift>> = {},
  footer: Readonly<Record<number, Thrift>> = {},
): Uint8Array {
  const data = [2, 0, 0, 0, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0];
  const header = struct({
    1: i32(0),
    2: i32(14),
    3: i32(14),
    5: struct({ 1: i32(1), 2: i32(0), 3: i32(3), 4: i32(3) }),
  });
  const page = Buffer.from([...header[1], ...data]);
  const size = i64(page.length);
  const metadata = struct({
    1: i32(2),
    2: list(i32(0)),
    3: list(binary("a")),
    4: i32(0),
    5: i64(1),
    6: size,
    7: size,
    9: i64(4),
  });
  const schema = list(
    struct({ 4: binary("schema"), 5: i32(1) }),
    struct({ 1: i32(2), 3: i32(1), 4: binary("a"), ...element }),
  );
  const group = struct({ 1: list(struct({ 2: i64(4), 3: metadata, ...chunk })), 2: size, 3: i64(1) });
  const end = Buffer.from(struct({ 1: i32(1), 2: schema, 3: i64(1), 4: list(group), ...footer })[1]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(end.length);
  return Buffer.concat([Buffer.from("PAR1"), page, end, length, Buffer.from("PAR1")]);
}

const encryption = struct({ 1: struct({}) });

/** A file that every reader can read. */
export const PLAIN_FILE: Uint8Array = parquet({});
/** A readable footer, and a column that is encrypted with the footer's key. */
export const ENCRYPTED_COLUMN_FILE: Uint8Array = parquet(
  {},
  { 8: encryption, 9: binary("x") },
  { 8: encryption },
);
/** DECIMAL(245, 2) in 16 bytes. */
export const WIDE_DECIMAL_FILE: Uint8Array = parquet({
  1: i32(7),
  2: i32(16),
  6: i32(5),
  7: i32(2),
  8: i32(245),
});
/** DECIMAL(9, -1). */
export const NEGATIVE_SCALE_FILE: Uint8Array = parquet({ 6: i32(5), 7: i32(-1), 8: i32(9) });
