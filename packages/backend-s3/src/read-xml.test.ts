import { expect, it } from "vitest";
import { childText, escapeXml, MalformedXml, readXml } from "./read-xml.ts";

it("reads attributes, prefixes, empty elements, comments, CDATA and entities", () => {
  const root = readXml(
    `<?xml version="1.0" encoding="UTF-8"?>\n<!-- a > b -->\n<s3:List xmlns:s3="http://s3">
      <Name>a</Name><Prefix/><Marker></Marker><Owner type="x"><ID>1</ID></Owner>
      <Key>a &amp;amp; &lt;b&gt; &#x1F3C8;&#13;&quot;</Key><Raw><![CDATA[<&amp;>]]></Raw>
    </s3:List>`,
  );
  expect(root.name).toBe("List");
  expect(root.text).toBe("");
  expect(root.children.map(({ name }) => name)).toEqual([
    ...["Name", "Prefix", "Marker", "Owner", "Key", "Raw"],
  ]);
  expect(childText(root, "Prefix")).toBe("");
  expect(childText(root, "Key")).toBe('a &amp; <b> \u{1F3C8}\r"');
  expect(childText(root, "Raw")).toBe("<&amp;>");
  expect(childText(root, "Missing")).toBeUndefined();
  expect(root.children[3]?.children[0]?.text).toBe("1");
});

it.each(["", "not XML", "<a><b>", "<a></a></b>", "<a", "<a><![CDATA[x</a>", "<html><p>Bad gateway</html>"])(
  "%j is malformed, not empty",
  (text) => {
    expect(() => readXml(text)).toThrow(MalformedXml);
  },
);

it("reads escaped text back", () => {
  const odd = `<a&"b'>\r\n\t ü \u{1F3C8} ]]>`;
  expect(readXml(`<a>${escapeXml(odd)}</a>`).text).toBe(odd);
});
