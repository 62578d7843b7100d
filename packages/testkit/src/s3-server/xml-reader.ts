import { S3Error } from "./s3-error.ts";

/** An element of a parsed document. */
export interface XmlNode {
  /** Name without a namespace prefix. */
  readonly name: string;
  readonly children: readonly XmlNode[];
  /** Text directly inside, entities resolved. */
  readonly text: string;
}

interface OpenNode {
  readonly rawName: string;
  readonly children: XmlNode[];
  text: string;
}

const MAX_DEPTH = 16;
const TAG =
  /<(?:(\/)([A-Za-z_][\w:.-]*)\s*|([A-Za-z_][\w:.-]*)((?:\s+[A-Za-z_][\w:.-]*\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?))>/y;
const ENTITY = /&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));|&/g;
const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function malformed(): S3Error {
  return new S3Error(
    "MalformedXML",
    "The XML you provided was not well-formed or did not validate against our published schema.",
  );
}

function unescapeXml(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(ENTITY, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return NAMED[name] ?? whole;
    const digits = decimal ?? hex;
    if (digits === undefined) throw malformed();
    const code = Number.parseInt(digits, decimal === undefined ? 16 : 10);
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw malformed();
    return String.fromCodePoint(code);
  });
}

/** Position after `end`, searched from `from`. */
function skipPast(xml: string, end: string, from: number): number {
  const at = xml.indexOf(end, from);
  if (at === -1) throw malformed();
  return at + end.length;
}

/**
 * Parses the XML of a request: elements, text, CDATA, comments. Document types are refused, and with
 * them every entity but the five predefined ones. Anything else malformed throws `MalformedXML`.
 *
 * @example
 * parseXml("<Delete><Quiet>true</Quiet></Delete>", "Delete").children[0]?.text; // "true"
 */
export function parseXml(xml: string, rootName: string): XmlNode {
  const stack: OpenNode[] = [{ rawName: "", children: [], text: "" }];
  let position = xml.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (position < xml.length) {
    const top = stack.at(-1);
    if (top === undefined) throw malformed();
    const open = xml.indexOf("<", position);
    const textEnd = open === -1 ? xml.length : open;
    if (textEnd > position) top.text += unescapeXml(xml.slice(position, textEnd));
    if (open === -1) break;
    if (xml.startsWith("<?", open)) {
      position = skipPast(xml, "?>", open);
    } else if (xml.startsWith("<!--", open)) {
      position = skipPast(xml, "-->", open + 4);
    } else if (xml.startsWith("<![CDATA[", open)) {
      position = skipPast(xml, "]]>", open);
      top.text += xml.slice(open + 9, position - 3);
    } else {
      TAG.lastIndex = open;
      const tag = TAG.exec(xml);
      if (tag === null) throw malformed();
      position = TAG.lastIndex;
      const opened = tag[3];
      if (opened !== undefined) {
        stack.push({ rawName: opened, children: [], text: "" });
        if (stack.length > MAX_DEPTH) throw malformed();
      }
      if (opened === undefined || tag[5] === "/") {
        const closing = stack.pop();
        const parent = stack.at(-1);
        if (closing === undefined || parent === undefined) throw malformed();
        if (tag[1] === "/" && closing.rawName !== tag[2]) throw malformed();
        const name = closing.rawName.slice(closing.rawName.indexOf(":") + 1);
        parent.children.push({ name, children: closing.children, text: closing.text });
      }
    }
  }
  const [document, ...open] = stack;
  const root = document?.children[0];
  if (open.length > 0 || root === undefined || document?.children.length !== 1) throw malformed();
  if (document.text.trim() !== "" || root.name !== rootName) throw malformed();
  return root;
}

/**
 * Text of the first child of that name, or `undefined`.
 *
 * @example
 * childText(node, "ETag");
 */
export function childText(node: XmlNode, name: string): string | undefined {
  return node.children.find((child) => child.name === name)?.text;
}
