import { Buffer } from "#platform";
import type { StorageError } from "../bytes/storage-error.ts";
import { corruptCsv } from "./corrupt-csv.ts";

/** The encoding of a CSV file. */
export type CsvEncoding = "utf-8" | "latin1" | "windows-1252";

/** Windows-1252 from 0x80 to 0x9F, where it differs from Latin-1. U+FFFD stands for the five bytes that it leaves undefined. */
const WINDOWS_1252 = "€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ";

/** Decodes the bytes of a CSV file, which may come in pieces. */
export class CsvDecoder {
  readonly #name: string;
  readonly #encoding: CsvEncoding;
  readonly #utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  /** The first bytes, until there are enough to tell a byte order mark. */
  #head: Uint8Array | undefined = new Uint8Array();

  constructor(name: string, encoding: CsvEncoding = "utf-8") {
    this.#name = name;
    this.#encoding = encoding;
  }

  /**
   * Decodes the next piece. A byte order mark of UTF-8 stays in the text.
   *
   * @throws StorageError `corrupt` for bytes of another encoding.
   */
  decode(piece: Uint8Array, isLast: boolean): string {
    let bytes = piece;
    if (this.#head !== undefined) {
      bytes = this.#head.byteLength === 0 ? piece : Buffer.concat([this.#head, piece]);
      this.#head = bytes;
      if (bytes.byteLength < 3 && !isLast) return "";
      this.#checkMark(bytes);
      this.#head = undefined;
    }
    if (this.#encoding === "utf-8") return this.#decodeUtf8(bytes, isLast);
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
    return this.#encoding === "latin1" ? this.#checkLatin1(text) : this.#fromWindows1252(text);
  }

  #checkMark([first, second, third]: Uint8Array): void {
    if (first === 0 || second === 0)
      throw corruptCsv(this.#name, "it begins with a NUL byte, as UTF-16 does; convert it to UTF-8");
    if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
      throw corruptCsv(this.#name, "it begins with the byte order mark of UTF-16; convert it to UTF-8");
    if (this.#encoding !== "utf-8" && first === 0xef && second === 0xbb && third === 0xbf)
      throw corruptCsv(
        this.#name,
        `it begins with the byte order mark of UTF-8; read it with ${encodingHint("utf-8")}`,
      );
  }

  #decodeUtf8(bytes: Uint8Array, isLast: boolean): string {
    try {
      return this.#utf8.decode(bytes, { stream: !isLast });
    } catch (cause) {
      throw corruptCsv(
        this.#name,
        `it is not UTF-8; if it comes from Windows, read it with ${encodingHint("windows-1252")}, else with "latin1" if that is its encoding`,
        cause,
      );
    }
  }

  #checkLatin1(text: string): string {
    const [found] = /[\x80-\x9f]/.exec(text) ?? [];
    if (found === undefined) return text;
    throw corruptCsv(
      this.#name,
      `its byte ${showByte(found)} is a control character in Latin-1, and a printable one in Windows-1252; read it with ${encodingHint("windows-1252")}`,
    );
  }

  #fromWindows1252(text: string): string {
    return text.replace(/[\x80-\x9f]/g, (char) => {
      const decoded = WINDOWS_1252.charAt(char.charCodeAt(0) - 0x80);
      if (decoded === "\ufffd") throw this.#undefinedByte(char);
      return decoded;
    });
  }

  #undefinedByte(char: string): StorageError {
    return corruptCsv(
      this.#name,
      `its byte ${showByte(char)} is not defined in Windows-1252, so it has another encoding; convert it to UTF-8`,
    );
  }
}

function encodingHint(encoding: CsvEncoding): string {
  return `encoding: "${encoding}" (parquetry query: --csv-encoding ${encoding})`;
}

function showByte(char: string): string {
  return `0x${char.charCodeAt(0).toString(16).toUpperCase()}`;
}
