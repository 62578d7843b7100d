import { describe, expect, it } from "vitest";
import { childText, parseXml } from "./xml-reader.ts";
import { xmlDocument, xmlElement } from "./xml-writer.ts";

const ENTITIES = Array.from({ length: 20 }, (_, i) => `<!ENTITY e${i + 1} "&e${i};&e${i};">`).join("");

describe("XML", () => {
  it("reads back every character that it writes", () => {
    const text = "a&b<c>\"d\"'e' \t\n\r\u0001é\u{1f600}]]>&amp;";
    const root = parseXml(xmlDocument("Root", [xmlElement("Key", text), xmlElement("Empty", "")]), "Root");
    expect(childText(root, "Key")).toBe(text);
    expect(childText(root, "Empty")).toBe("");
  });

  it("keeps characters that XML 1.1 takes for line breaks", () => {
    const root = parseXml("<?xml version='1.0'?><R><Key>a\u0085b\u2028c&#1;</Key></R>", "R");
    expect(childText(root, "Key")).toBe("a\u0085b\u2028c\u0001");
  });

  it("reads declarations, comments, CDATA, attributes, prefixes and empty elements", () => {
    const xml =
      "\ufeff<?xml version='1.0'?><!-- <x> --><s3:R xmlns:s3=\"u\"><s3:A><![CDATA[<&>]]></s3:A><B x='>'/></s3:R>\n";
    const root = parseXml(xml, "R");
    expect(root.children.map(({ name, text }) => [name, text])).toEqual([
      ["A", "<&>"],
      ["B", ""],
    ]);
  });

  it.each([
    "",
    "text",
    "<R>",
    "<R></Q>",
    "<R></R><R/>",
    "<R><A></R></A>",
    "<R>&unknown;</R>",
    "<R>&#xd800;</R>",
    "<R a=b/>",
    '<!DOCTYPE R [<!ENTITY a "b">]><R>&a;</R>',
    '<!DOCTYPE R [<!ENTITY a SYSTEM "file:///etc/hostname">]><R>&a;</R>',
    '<!DOCTYPE R SYSTEM "http://127.0.0.1/r.dtd"><R/>',
    `<!DOCTYPE R [<!ENTITY e0 "x">${ENTITIES}]><R>&e20;</R>`,
    "<R/>trailing",
    "<Other/>",
    "<A>".repeat(100),
  ])("rejects %j with MalformedXML", (xml) => {
    expect(() => parseXml(xml, "R")).toThrow(expect.objectContaining({ code: "MalformedXML" }));
  });
});
