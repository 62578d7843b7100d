/** An element of an XML answer. */
export interface XmlElement {
  /** Its name, without a namespace prefix. */
  readonly name: string;
  /** The text directly in it, with entities resolved. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

interface OpenElement {
  readonly name: string;
  text: string;
  children: OpenElement[];
}

/** The children of an element that has none, as most elements of a listing. Nothing is ever added to it. */
const NONE: OpenElement[] = [];

const ENTITY = /&(?:#x([0-9a-fA-F]+)|#(\d+)|(amp|lt|gt|quot|apos));/g;
const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
const EXCLAMATION = 0x21;
const SLASH = 0x2f;
const QUESTION = 0x3f;

/** Thrown for an answer that is not XML, or is incomplete. */
export class MalformedXml extends Error {
  override readonly name = "MalformedXml";
}

/**
 * Reads the XML of a store's answer: elements, text, CDATA and comments. Attributes are ignored, since S3 uses none. Written
 * for listings, for which a general parser takes longer than the request.
 *
 * @throws MalformedXml if an element is not closed, or if there is none.
 */
export function readXml(xml: string): XmlElement {
  const document: OpenElement = { name: "", text: "", children: NONE };
  const stack = [document];
  let top = document;
  let at = 0;
  for (;;) {
    const open = xml.indexOf("<", at);
    if (open < 0) break;
    // Between two elements there is only white space.
    if (open > at && top.children.length === 0) top.text += resolveEntities(xml.slice(at, open));
    const kind = xml.charCodeAt(open + 1);
    if (kind === EXCLAMATION && xml.startsWith("<![CDATA[", open)) {
      at = endOf(xml, "]]>", open);
      top.text += xml.slice(open + 9, at - 3);
      continue;
    }
    if (kind === EXCLAMATION && xml.startsWith("<!--", open)) {
      at = endOf(xml, "-->", open + 4);
      continue;
    }
    at = endOf(xml, ">", open);
    if (kind === QUESTION || kind === EXCLAMATION) continue;
    if (kind === SLASH) {
      const closed = stack.pop();
      const parent = stack[stack.length - 1];
      if (closed === undefined || parent === undefined) throw malformed();
      if (closed.children.length > 0) closed.text = "";
      top = parent;
      continue;
    }
    const isEmpty = xml.charCodeAt(at - 2) === SLASH;
    const element: OpenElement = {
      name: nameOf(xml.slice(open + 1, at - (isEmpty ? 2 : 1))),
      text: "",
      children: NONE,
    };
    if (top.children === NONE) top.children = [element];
    else top.children.push(element);
    if (isEmpty) continue;
    stack.push(element);
    top = element;
  }
  const [root] = document.children;
  if (root === undefined || stack.length > 1) throw malformed();
  return root;
}

/** Returns the text of the first child with a name, or undefined. */
export function childText(element: XmlElement, name: string): string | undefined {
  for (const child of element.children) if (child.name === name) return child.text;
  return undefined;
}

/** Escapes a string for XML. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"\p{Cc}]/gu, (character) => `&#${character.charCodeAt(0)};`);
}

function nameOf(tag: string): string {
  const space = tag.search(/\s/);
  const name = space < 0 ? tag : tag.slice(0, space);
  return name.slice(name.indexOf(":") + 1);
}

function resolveEntities(text: string): string {
  if (!text.includes("&")) return text;
  // Most answers have only those of ETags.
  const unquoted = text.replaceAll("&quot;", '"');
  if (!unquoted.includes("&")) return unquoted;
  return unquoted.replace(ENTITY, (whole, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined) return NAMED[name] ?? whole;
    const code = Number.parseInt(hex ?? decimal ?? "", hex === undefined ? 10 : 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

function endOf(xml: string, end: string, from: number): number {
  const at = xml.indexOf(end, from);
  if (at < 0) throw malformed();
  return at + end.length;
}

function malformed(): MalformedXml {
  return new MalformedXml("the store's answer is not XML, or is incomplete");
}
