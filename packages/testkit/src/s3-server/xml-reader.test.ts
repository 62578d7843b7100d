import { describe, expect, it } from "vitest";
import { childText, parseXml } from "./xml-reader.ts";
import { xmlDocument, xmlElement } from "./xml-writer.ts";

describe("XML", () => {
  it("reads back what it writes, whatever is in the text", () => {
    const text = "a&b<c>\"d\"'e' \t\n\r\u0001é\u{1f600}]]>&amp;";
    const root = parseXml(xmlDocument("Root", [xmlElement("Key", text), xmlElement("Empty", "")]), "Root");
    expect(childText(root, "Key")).toBe(text);
    expect(childText(root, "Empty")).toBe("");
  });

  it("takes declarations, comments, CDATA, attributes, prefixes and empty elements", () => {
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
    "<R/>trailing",
    "<Other/>",
    "<A>".repeat(100),
  ])("refuses %j", (xml) => {
    expect(() => parseXml(xml, "R")).toThrow(expect.objectContaining({ code: "MalformedXML" }));
  });
});
