import type { ByteSource } from "../store/object-store.ts";
import { xmlDocument } from "../xml/xml-writer.ts";

/** Bytes `[start, end)` of a source, closed by whoever sends the reply. */
export interface ReplyBytes {
  readonly source: ByteSource;
  readonly start: number;
  readonly end: number;
}

/** What an operation answers; sending it is somebody else's work. */
export interface S3Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A document or an object's bytes; nothing by default. */
  readonly body?: string | ReplyBytes;
}

/** A reply that is an XML document. */
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
