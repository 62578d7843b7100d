import type { ByteSource } from "../store/object-store.ts";
import { xmlDocument } from "../xml/xml-writer.ts";

/** Bytes `[start, end)` of a source, which is closed once the reply is sent. */
export interface ReplyBytes {
  readonly source: ByteSource;
  readonly start: number;
  readonly end: number;
}

/** The reply of an operation. */
export interface S3Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A document, or the bytes of an object; none by default. */
  readonly body?: string | ReplyBytes;
}

/** Returns a reply with an XML document. */
export function xmlReply(
  name: string,
  children: readonly (string | undefined)[],
  headers: Readonly<Record<string, string>> = {},
): S3Reply {
  return {
    status: 200,
    headers: { ...headers, "content-type": "application/xml" },
    body: xmlDocument(name, children),
  };
}
