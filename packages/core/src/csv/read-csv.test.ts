import { describe, expect, it } from "vitest";
import type { Row } from "../bytes/row.ts";
import { decodeCsv } from "./read-csv.ts";
import type { ReadCsvOptions } from "./read-csv-options.ts";
import { encodeCsv } from "./write-csv.ts";

async function read(content: string | Uint8Array, options?: ReadCsvOptions): Promise<Row[]> {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  return (await decodeCsv(bytes, "a.csv", options)).rows;
}

async function column(values: readonly string[], options?: ReadCsvOptions): Promise<unknown[]> {
  const rows = await read(`a,b\n${values.map((value) => `${value},x\n`).join("")}`, options);
  return rows.map(({ a }) => a);
}

describe("line ends", () => {
  it.each([
    ["LF", "a,b\n1,x\n2,y\n"],
    ["CRLF", "a,b\r\n1,x\r\n2,y\r\n"],
    ["CR", "a,b\r1,x\r2,y\r"],
    ["LF, then CRLF", "a,b\n1,x\r\n2,y\r\n"],
    ["CRLF, then LF", "a,b\r\n1,x\n2,y\n"],
    ["LF, then CR", "a,b\n1,x\r2,y\r"],
    ["CR, then LF", "a,b\r1,x\n2,y"],
    ["no line end after the last line", "a,b\r\n1,x\n2,y"],
    ["empty lines", "\n\r\na,b\n\n1,x\r\n\r\n2,y\n\n\n"],
  ])("reads %s", async (_, content) => {
    expect(await read(content)).toEqual([
      { a: 1, b: "x" },
      { a: 2, b: "y" },
    ]);
  });

  it("keeps line ends between quotes as they are, whichever the lines end in", async () => {
    const content = 'a,b\n"1\r\n2",x\r\n"3\n4",y\r"5\r6","\r\n"\n';
    expect((await read(content)).map(({ a, b }) => [a, b])).toEqual([
      ["1\r\n2", "x"],
      ["3\n4", "y"],
      ["5\r6", "\r\n"],
    ]);
  });

  it.each([
    ["a,b\r\n1\r\n", "line 2 has 1 value, but the header has 2"],
    [
      "a;b\n1,5;2\n",
      'line 2 has 2 values, but the header has 1; if the values are separated by ";", read it with',
    ],
    ["a\tb\n1,5\t2\n", "--csv-delimiter '\\t'"],
    ['a,b\n"x\r\ny\rz\n",1\n1,2,3\n', "line 6 has 3 values, but the header has 2"],
    ['a\r"x\r\ny\rz"q\r', "line 4 has text after a closing quote"],
    ['a,b\r1,x"y\r', "line 2 has a quote inside a value without quotes"],
    ['a,b\n1,2\n3,"x\ny\n', "starts in line 3 has a quote that is not closed"],
  ])("names the line of the problem in %j", async (content, problem) => {
    await expect(read(content)).rejects.toThrow(problem);
  });
});

describe("empty values", () => {
  it("reads an empty line of a file with one column as null, also the first and the last", async () => {
    expect((await read("score\n\n1\n\n3\r\n\r\n")).map(({ score }) => score)).toEqual([
      null,
      1,
      null,
      3,
      null,
    ]);
    expect((await read("\n\nname\n\nx\n")).map(({ name }) => name)).toEqual([null, "x"]);
    expect(await read("name\n\n", { nullValues: [] })).toEqual([{ name: "" }]);
    expect(await read("name\n", { nullValues: [] })).toEqual([]);
  });

  it("tells an empty string from null in a column of strings, and reads both as null in others", async () => {
    expect(await column(['""', "", "x"])).toEqual(["", null, "x"]);
    expect(await column(['""', "", '""'])).toEqual(["", null, ""]);
    expect(await column(['""', "", "1", '"2"'])).toEqual([null, null, 1, 2]);
    expect(await column(['""', "", "true"])).toEqual([null, null, true]);
    expect(await column(["", ""])).toEqual([null, null]);
  });

  it("reads the given null values as null, quoted or not", async () => {
    expect(await column(['""', "", "NA", '"NA"', "x"], { nullValues: ["", "NA"] })).toEqual([
      null,
      null,
      null,
      null,
      "x",
    ]);
    expect(await column(['""', "", "NA"], { nullValues: [] })).toEqual(["", "", "NA"]);
    expect(await column(["", "NA", "1"], { nullValues: ["NA"] })).toEqual(["", null, "1"]);
  });

  it("returns the columns of a file that has only a header, and none of an empty file", async () => {
    expect(await decodeCsv(Buffer.from("a,b\r\n"), "a.csv")).toEqual({
      columns: [
        { name: "a", type: undefined },
        { name: "b", type: undefined },
      ],
      rows: [],
    });
    for (const empty of ["", "\n\r\n", "\ufeff"])
      expect(await decodeCsv(Buffer.from(empty), "a.csv")).toEqual({ columns: [], rows: [] });
  });
});

describe("numbers", () => {
  it.each([
    ["12345678901234567.89"],
    ["100000000000000000.10"],
    ["-12345678901234567.89"],
    ["0.1234567890123456789"],
    ["3.14159265358979323846"],
    ["1.00000000000000001"],
    ["12345678901234567.00"],
    ["9007199254740993.0"],
    ["1.2345678901234567891e5"],
    ["-1.2345678901234567891E-5"],
    ["1e400"],
    ["-1e-400"],
    ["1.23456e-320"],
    ["9007199254740993"],
    ["007.5"],
    ["-007"],
    ["1e5x"],
    ["1_000"],
    ['"1,234.50"', "1,234.50"],
    ['"1,234"', "1,234"],
    [`0.${"1".repeat(120)}`],
  ])("keeps %s as a string", async (value, kept = value) => {
    expect(await column([value, "1.5"])).toEqual([kept, "1.5"]);
  });

  it.each([
    ["0.1", 0.1],
    ["-.5", -0.5],
    ["1.50", 1.5],
    ["1e3", 1000],
    ["-1.5E-3", -0.0015],
    ["0.30000000000000004", 0.30000000000000004],
    ["2.2250738585072014e-308", 2.2250738585072014e-308],
    ["5e-324", 5e-324],
    ["1.7976931348623157e308", 1.7976931348623157e308],
    ["0.000000000000000000000", 0],
    ["123456789012.500000000000", 123456789012.5],
    // C, numpy and MATLAB print more digits than a double needs; those are its own.
    ["0.10000000000000001", 0.1],
    ["1.000000000000000056e-01", 0.1],
    ["NaN", Number.NaN],
    ["-inf", Number.NEGATIVE_INFINITY],
    ["Infinity", Number.POSITIVE_INFINITY],
  ])("reads %s as a number", async (value, number) => {
    expect(await column([value, "1.5"])).toEqual([number, 1.5]);
  });

  it("keeps the digits of a whole column if one value needs it", async () => {
    expect(await column(["1", "2.50", "12345678901234567.89"])).toEqual([
      "1",
      "2.50",
      "12345678901234567.89",
    ]);
  });
});

describe("encodings", () => {
  const bytes = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
  const UNDEFINED = [0x81, 0x8d, 0x8f, 0x90, 0x9d];
  const file = (...values: number[]): Uint8Array => Buffer.from([...Buffer.from("a\n"), ...values, 0x0a]);

  it("reads every byte that Windows-1252 defines, and refuses the others by name", async () => {
    const defined = bytes(0x80, 0x100).filter((byte) => !UNDEFINED.includes(byte));
    expect(await read(file(...defined), { encoding: "windows-1252" })).toEqual([
      {
        a: `€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ${String.fromCharCode(...bytes(0xa0, 0x100))}`,
      },
    ]);
    for (const byte of UNDEFINED)
      await expect(read(file(byte), { encoding: "windows-1252" })).rejects.toThrow(
        `byte 0x${byte.toString(16).toUpperCase()} is not defined in Windows-1252`,
      );
  });

  it("refuses control characters in Latin-1, which are Windows-1252, and reads the rest", async () => {
    const printable = bytes(0xa0, 0x100);
    expect(await read(file(...printable), { encoding: "latin1" })).toEqual([
      { a: String.fromCharCode(...printable) },
    ]);
    for (const byte of bytes(0x80, 0xa0))
      await expect(read(file(byte), { encoding: "latin1" })).rejects.toThrow('encoding: "windows-1252"');
  });

  it("refuses other bytes than UTF-8, and names both remedies", async () => {
    await expect(read(file(0x93))).rejects.toThrow(/not UTF-8; .*encoding: "windows-1252".*"latin1"/);
  });

  it("drops a byte order mark of UTF-8 also before quotes, and keeps the ones within", async () => {
    expect(await read('\ufeff"a",b\n"\ufeffx",\ufeff\n')).toEqual([{ a: "\ufeffx", b: "\ufeff" }]);
    expect(await read("\ufeff\ufeffa\n1\n")).toEqual([{ "\ufeffa": 1 }]);
    await expect(read(Buffer.from("\ufeffa\né\n"), { encoding: "latin1" })).rejects.toThrow(
      'byte order mark of UTF-8; read it with encoding: "utf-8"',
    );
  });

  it("refuses UTF-16 by name, with and without a byte order mark", async () => {
    const utf16 = Buffer.from("\ufeffa,b\n1,2\n", "utf16le");
    for (const content of [utf16, Buffer.from(utf16).swap16(), utf16.subarray(2)])
      for (const encoding of ["utf-8", "latin1", "windows-1252"] as const)
        await expect(read(content, { encoding })).rejects.toThrow(/UTF-16/);
  });
});

describe("columns without a name", () => {
  it("calls those before all others by their place, as DuckDB does", async () => {
    expect(await read(",a,b\n0,1,x\n")).toEqual([{ column0: 0, a: 1, b: "x" }]);
    expect(await read('"","mpg"\n"Mazda",21\n')).toEqual([{ column0: "Mazda", mpg: 21 }]);
    expect(await read(",,a\nx,1,2\n")).toEqual([{ column0: "x", column1: 1, a: 2 }]);
    expect(await read(",Column0\n1,2\n")).toEqual([{ column0_1: 1, Column0: 2 }]);
    expect(await read("\ufeff,a\n1,2\n", { columns: ["a"] })).toEqual([{ a: 2 }]);
  });

  it("refuses them elsewhere", async () => {
    await expect(read("a,,b\n1,2,3\n")).rejects.toThrow("column 2 of 3 has no name");
    await expect(read(",a,\n1,2,3\n")).rejects.toThrow("column 3 of 3 has no name");
    await expect(read('""\n1\n')).rejects.toThrow("no column has a name");
  });
});

describe("backslashes", () => {
  const spark = 'name,said,n\nA,"say \\"hi\\", he said",1\nB,"x",2\n';

  it("escape quotes in a file that cannot be read otherwise", async () => {
    expect(await read(spark)).toEqual([
      { name: "A", said: 'say "hi", he said', n: 1 },
      { name: "B", said: "x", n: 2 },
    ]);
    expect(await read('a,b\n"\\"",1\nx\\,"C:\\\\dir\\"\n"\n')).toEqual([
      { a: '"', b: "1" },
      { a: "x\\", b: 'C:\\dir"\n' },
    ]);
  });

  it("are ordinary characters in a file that can be read so", async () => {
    expect(await read('a,b\n"C:\\dir\\",C:\\x\\\n"a\\\\b","\\n"\n')).toEqual([
      { a: "C:\\dir\\", b: "C:\\x\\" },
      { a: "a\\\\b", b: "\\n" },
    ]);
  });

  it("are ordinary characters outside quotes in files of Spark", async () => {
    const content =
      's,t\na,"say \\"hi\\", x"\nb\\,C:\\dir\\\nt\\\\u,"a\\\\b, c"\n"q\\"","\\\\\\""\n"x,y","\\\\,"\nplain,\\n\n"",z\n,w\n';
    const rows = [
      ["a", 'say "hi", x'],
      ["b\\", "C:\\dir\\"],
      ["t\\\\u", "a\\b, c"],
      ['q"', '\\"'],
      ["x,y", "\\,"],
      ["plain", "\\n"],
      ["", "z"],
      [null, "w"],
    ];
    for (const options of [{}, { escape: "\\" }] as const)
      expect((await read(content, options)).map(({ s, t }) => [s, t])).toEqual(rows);
  });

  it("escape delimiters, quotes and line ends outside quotes in files that cannot be read otherwise", async () => {
    const content =
      'a,b\nx\\,y,say \\"hi\\"\n"p\\,q","1\\\n2"\nr\\\r\ns,\\\\\nC:\\dir,"d\\n"\n"a""b",\\\\\\"\n';
    const rows = [
      ["x,y", 'say "hi"'],
      ["p,q", "1\n2"],
      ["r\r\ns", "\\"],
      ["C:\\dir", "d\\n"],
      ['a"b', '\\"'],
    ];
    expect((await read(content, { escape: "\\" })).map(({ a, b }) => [a, b])).toEqual(rows);
    expect(await read('a,b\nsay \\"hi\\",1\n')).toEqual([{ a: 'say "hi"', b: 1 }]);
    expect(await read("a,b\nx\\,y,1\n", { escape: "\\" })).toEqual([{ a: "x,y", b: 1 }]);
    expect(await read("a||b\nx\\||y||\\|z\n", { escape: "\\", delimiter: "||" })).toEqual([
      { a: "x||y", b: "\\|z" },
    ]);
  });

  it("are named as the remedy where the file was to be read without them", async () => {
    await expect(read(spark, { escape: '"' })).rejects.toThrow('read it with escape: "\\\\"');
    for (const content of ['a,b\nsay "hi",1\n', "a,b\nx\\,y,1\n"])
      await expect(read(content)).rejects.toThrow(/^(?!.*escape)/);
  });
});

it("reads a delimiter of several characters, also after a value that ends like one", async () => {
  const rows = [
    { a: "x|", b: "|y" },
    { a: "|", b: null },
    { a: "||", b: "z" },
  ];
  expect(await read(await encodeCsv(rows, { delimiter: "||" }), { delimiter: "||" })).toEqual(rows);
});
