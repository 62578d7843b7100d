import type { CompressionCodec } from "hyparquet";
import { compressors, decompressLz4Raw } from "hyparquet-compressors";
import { ZSTDDecoder } from "zstddec";
import { brotliDecompressSync, gunzipSync } from "#platform";

// Zstandard's reference decoder as WebAssembly: Node 20 has none, and the one in JavaScript loops on some damaged pages.
const zstd = new ZSTDDecoder();

/** Loads decoders that are not available synchronously. Await it before {@link decompressPage}. */
export async function loadCodecs(codecs: ReadonlySet<CompressionCodec>): Promise<void> {
  if (codecs.has("ZSTD")) await zstd.init();
}

/**
 * Decompresses a page of untrusted bytes to exactly the size in its header.
 *
 * @throws Error if it is not compressed by that codec, or has another size.
 */
export function decompressPage(codec: CompressionCodec, page: Uint8Array, size: number): Uint8Array {
  const bytes = decompress(codec, page, size);
  if (bytes.byteLength !== size)
    throw new Error(`a page decompresses to ${bytes.byteLength} bytes, its header says ${size}`);
  return bytes;
}

function decompress(codec: CompressionCodec, page: Uint8Array, size: number): Uint8Array {
  if (size === 0) return new Uint8Array();
  const output = { maxOutputLength: size };
  switch (codec) {
    case "UNCOMPRESSED":
      return page;
    case "SNAPPY": {
      const { SNAPPY } = compressors;
      // If the page were shorter than its header says, the rest would be bytes of an earlier page.
      if (SNAPPY === undefined || snappySize(page) !== size)
        throw new Error("a page has another size than its header says");
      return SNAPPY(page, size);
    }
    case "GZIP":
      return gunzipSync(page, output);
    case "BROTLI":
      return brotliDecompressSync(page, output);
    case "ZSTD":
      return zstd.decode(page, size);
    case "LZ4_RAW":
      return decompressLz4Raw(page, size);
    case "LZ4":
      return decompressHadoopLz4(page, size) ?? decompressLz4Raw(page, size);
    default:
      throw new Error(`parquet unsupported compression codec: ${codec}`);
  }
}

function snappySize(page: Uint8Array): number {
  let size = 0;
  for (let i = 0; i < 5; i++) {
    const byte = page[i] ?? 0;
    size += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) break;
  }
  return size;
}

/** Hadoop's LZ4 precedes each block by its two sizes, big-endian. Returns undefined if the page has no such frames. */
function decompressHadoopLz4(page: Uint8Array, size: number): Uint8Array | undefined {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  const output = new Uint8Array(size);
  let from = 0;
  let to = 0;
  while (from < page.byteLength) {
    if (from + 8 > page.byteLength) return undefined;
    const blockSize = view.getUint32(from);
    const blockEnd = from + 8 + view.getUint32(from + 4);
    if (blockEnd > page.byteLength || to + blockSize > size || blockEnd === from + 8) return undefined;
    output.set(decompressLz4Raw(page.subarray(from + 8, blockEnd), blockSize), to);
    from = blockEnd;
    to += blockSize;
  }
  return to === size ? output : undefined;
}
