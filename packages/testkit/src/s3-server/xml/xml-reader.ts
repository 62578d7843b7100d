import { SaxesParser } from "saxes";
import { S3Error } from "../s3-error.ts";

/** An element of a parsed document. */
export interface XmlNode {
  /** Name without a namespace prefix. */
  readonly name: string;
  readonly children: readonly XmlNode[];
  /** Text directly inside, entities resolved. */
  readonly text: string;
}

interface OpenNode {
  readonly name: string;
  readonly children: OpenNode[];
  text: string;
}

const MAX_DEPTH = 16;
/** Line breaks of XML 1.1, but ordinary characters of a key. */
const EXTRA_LINE_BREAKS = /[\u0085\u2028]/g;

function malformed(): never {
  throw new S3Error(
    "MalformedXML",
    "The XML you provided was not well-formed or did not validate against our published schema.",
  );
}

/**
 * Parses the XML of a request. Throws `MalformedXML` for a document that is not well-formed, has another root, is nested
 * deeper than 16 elements or has a document type, so that only the five predefined entities are ever resolved.
 *
 * @example
 * parseXml("<Delete><Quiet>true</Quiet></Delete>", "Delete").children[0]?.text; // "true"
 */
export function parseXml(xml: string, rootName: string): XmlNode {
  const document: OpenNode = { name: "", children: [], text: "" };
  const stack = [document];
  // XML 1.1, because clients send control characters in keys as references, which 1.0 forbids and S3 accepts.
  const parser = new SaxesParser({ defaultXMLVersion: "1.1", forceXMLVersion: true });
  const addText = (text: string): void => {
    const top = stack.at(-1);
    if (top !== undefined) top.text += text;
  };
  parser.on("error", malformed);
  parser.on("doctype", malformed);
  parser.on("opentag", ({ name }) => {
    if (stack.length === MAX_DEPTH) malformed();
    const node: OpenNode = { name: name.slice(name.indexOf(":") + 1), children: [], text: "" };
    stack.at(-1)?.children.push(node);
    stack.push(node);
  });
  parser.on("closetag", () => stack.pop());
  parser.on("text", addText);
  parser.on("cdata", addText);
  parser.write(xml.replace(EXTRA_LINE_BREAKS, (char) => `&#${char.charCodeAt(0)};`)).close();
  const [root] = document.children;
  return root?.name === rootName ? root : malformed();
}

/** Returns the text of the first child with that name. */
export function childText(node: XmlNode, name: string): string | undefined {
  return node.children.find((child) => child.name === name)?.text;
}
