import { crc32 as nativeCrc32 } from "node:zlib";

/** A running CRC. */
export interface RunningCrc {
  update(chunk: Uint8Array): void;
  /** Value so far, big-endian. */
  digest(): Buffer;
}

/** Bytes looked up at once; eight tables make the loop several times faster than one. */
const SLICES = 8;

function buildTables32(polynomial: number): readonly Uint32Array[] {
  const first = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    first[byte] = crc >>> 0;
  }
  const tables = [first];
  for (let slice = 1; slice < SLICES; slice++) {
    const previous = tables[slice - 1] ?? first;
    tables.push(previous.map((crc) => (crc >>> 8) ^ at(first, crc & 0xff)));
  }
  return tables;
}

/** Typed arrays are indexed within bounds here; the fallback only satisfies the type. */
function at(table: Uint32Array | Uint8Array, index: number): number {
  return table[index] ?? 0;
}

let castagnoli: Uint32Array | undefined;

/** The slices of CRC-32C in one array: table `s` begins at `256 * s`. */
function castagnoliTable(): Uint32Array {
  if (castagnoli !== undefined) return castagnoli;
  castagnoli = new Uint32Array(256 * SLICES);
  for (const [slice, table] of buildTables32(0x82f63b78).entries()) castagnoli.set(table, 256 * slice);
  return castagnoli;
}

function updateCrc32c(start: number, chunk: Uint8Array): number {
  const table = castagnoliTable();
  let crc = ~start;
  let i = 0;
  for (const end = chunk.length - 7; i < end; i += 8) {
    crc ^= at(chunk, i) | (at(chunk, i + 1) << 8) | (at(chunk, i + 2) << 16) | (at(chunk, i + 3) << 24);
    crc =
      at(table, 1792 + (crc & 0xff)) ^
      at(table, 1536 + ((crc >>> 8) & 0xff)) ^
      at(table, 1280 + ((crc >>> 16) & 0xff)) ^
      at(table, 1024 + (crc >>> 24)) ^
      at(table, 768 + at(chunk, i + 4)) ^
      at(table, 512 + at(chunk, i + 5)) ^
      at(table, 256 + at(chunk, i + 6)) ^
      at(table, at(chunk, i + 7));
  }
  for (; i < chunk.length; i++) crc = (crc >>> 8) ^ at(table, (crc ^ at(chunk, i)) & 0xff);
  return ~crc >>> 0;
}

const NVME_POLYNOMIAL = 0x9a6c9329ac4bc9b5n;

interface Tables64 {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
}

let nvme: Tables64 | undefined;

/** CRC-64/NVME in halves, since 64-bit integers in JavaScript are slow; slice `s` begins at `256 * s`. */
function nvmeTables(): Tables64 {
  if (nvme !== undefined) return nvme;
  const high = new Uint32Array(256 * SLICES);
  const low = new Uint32Array(256 * SLICES);
  for (let byte = 0; byte < 256; byte++) {
    let crc = BigInt(byte);
    for (let bit = 0; bit < 8 * SLICES; bit++) {
      if (bit % 8 === 0 && bit > 0) {
        high[256 * (bit / 8 - 1) + byte] = Number(crc >> 32n);
        low[256 * (bit / 8 - 1) + byte] = Number(crc & 0xffffffffn);
      }
      crc = crc & 1n ? (crc >> 1n) ^ NVME_POLYNOMIAL : crc >> 1n;
    }
    high[256 * (SLICES - 1) + byte] = Number(crc >> 32n);
    low[256 * (SLICES - 1) + byte] = Number(crc & 0xffffffffn);
  }
  nvme = { high, low };
  return nvme;
}

function updateCrc64Nvme(state: { high: number; low: number }, chunk: Uint8Array): void {
  const tables = nvmeTables();
  let high = ~state.high;
  let low = ~state.low;
  let i = 0;
  for (const end = chunk.length - 7; i < end; i += 8) {
    low ^= at(chunk, i) | (at(chunk, i + 1) << 8) | (at(chunk, i + 2) << 16) | (at(chunk, i + 3) << 24);
    high ^= at(chunk, i + 4) | (at(chunk, i + 5) << 8) | (at(chunk, i + 6) << 16) | (at(chunk, i + 7) << 24);
    const a = 1792 + (low & 0xff);
    const b = 1536 + ((low >>> 8) & 0xff);
    const c = 1280 + ((low >>> 16) & 0xff);
    const d = 1024 + (low >>> 24);
    const e = 768 + (high & 0xff);
    const f = 512 + ((high >>> 8) & 0xff);
    const g = 256 + ((high >>> 16) & 0xff);
    const h = high >>> 24;
    low =
      at(tables.low, a) ^
      at(tables.low, b) ^
      at(tables.low, c) ^
      at(tables.low, d) ^
      at(tables.low, e) ^
      at(tables.low, f) ^
      at(tables.low, g) ^
      at(tables.low, h);
    high =
      at(tables.high, a) ^
      at(tables.high, b) ^
      at(tables.high, c) ^
      at(tables.high, d) ^
      at(tables.high, e) ^
      at(tables.high, f) ^
      at(tables.high, g) ^
      at(tables.high, h);
  }
  for (; i < chunk.length; i++) {
    const index = (low ^ at(chunk, i)) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ at(tables.low, index);
    high = (high >>> 8) ^ at(tables.high, index);
  }
  state.high = ~high;
  state.low = ~low;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/**
 * Starts a CRC-32 (ISO-HDLC), the one of zip and PNG.
 *
 * @example
 * const crc = createCrc32();
 * crc.update(Buffer.from("123456789"));
 * crc.digest().toString("hex"); // "cbf43926"
 */
export function createCrc32(): RunningCrc {
  let value = 0;
  return {
    update: (chunk) => {
      value = nativeCrc32(chunk, value);
    },
    digest: () => uint32(value),
  };
}

/**
 * Starts a CRC-32C (Castagnoli).
 *
 * @example
 * const crc = createCrc32c();
 * crc.update(Buffer.from("123456789"));
 * crc.digest().toString("hex"); // "e3069283"
 */
export function createCrc32c(): RunningCrc {
  let value = 0;
  return {
    update: (chunk) => {
      value = updateCrc32c(value, chunk);
    },
    digest: () => uint32(value),
  };
}

/**
 * Starts a CRC-64/NVME.
 *
 * @example
 * const crc = createCrc64Nvme();
 * crc.update(Buffer.from("123456789"));
 * crc.digest().toString("hex"); // "ae8b14860a799888"
 */
export function createCrc64Nvme(): RunningCrc {
  const state = { high: 0, low: 0 };
  return {
    update: (chunk) => updateCrc64Nvme(state, chunk),
    digest: () => Buffer.concat([uint32(state.high), uint32(state.low)]),
  };
}
