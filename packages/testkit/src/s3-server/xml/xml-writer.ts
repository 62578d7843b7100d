/** The content of an element: a scalar, or its children, already written. */
export type XmlContent = string | number | boolean | readonly (string | undefined)[];

const UNSAFE = /[&<>"']|\p{Cc}/gu;

/** Writes control characters as references, because parsers normalise or reject them otherwise. */
function escapeXml(text: string): string {
  return text.replace(UNSAFE, (char) => {
    switch (char) {
      case "&":
        return "&amp;";
      case "<":
        return "&lt;";
      case ">":
        return "&gt;";
      case '"':
        return "&quot;";
      case "'":
        return "&apos;";
      default:
        return `&#x${char.charCodeAt(0).toString(16)};`;
    }
  });
}

/**
 * Writes one element. A scalar is escaped; children must be written already.
 *
 * @example
 * xmlElement("Key", "a&b"); // "<Key>a&amp;b</Key>"
 */
export function xmlElement(name: string, content: XmlContent): string {
  if (typeof content !== "object") return `<${name}>${escapeXml(String(content))}</${name}>`;
  let inner = "";
  for (const child of content) if (child !== undefined) inner += child;
  return `<${name}>${inner}</${name}>`;
}

/**
 * Writes a whole document in the S3 namespace.
 *
 * @example
 * xmlDocument("ListBucketResult", [xmlElement("KeyCount", 0)]);
 */
export function xmlDocument(name: string, children: readonly (string | undefined)[]): string {
  const inner = xmlElement(name, children).slice(name.length + 2);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}`;
}

/**
 * Writes an error document, which has no namespace in S3.
 *
 * @example
 * xmlErrorDocument({ code: "NoSuchKey", message: "…", resource: "/b/k", requestId: "1" });
 */
export function xmlErrorDocument(error: {
  readonly code: string;
  readonly message: string;
  readonly resource: string;
  readonly requestId: string;
}): string {
  const children = [
    xmlElement("Code", error.code),
    xmlElement("Message", error.message),
    xmlElement("Resource", error.resource),
    xmlElement("RequestId", error.requestId),
  ];
  return `<?xml version="1.0" encoding="UTF-8"?>\n${xmlElement("Error", children)}`;
}
