import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parseKey } from "../bytes/key.ts";
import { parseManifest } from "./manifest.ts";

const KEY = parseKey("raw/plays/year=2024/_manifest.json");
const parse = (text: string) => parseManifest(new TextEncoder().encode(text), KEY);

/** Returns the problem that the error names, or undefined for a manifest. */
function problemOf(text: string): string | undefined {
  try {
    parse(text);
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ code: "corrupt", op: "readManifest", path: KEY });
    const { message } = error as Error;
    return /^raw\/plays\/year=2024\/_manifest\.json is not a partition manifest: (.*)\. Write the partition again, or delete the manifest to read the files as they are\.$/.exec(
      message,
    )?.[1];
  }
}

/** The same shape in zod, which parsed manifests at first. */
const count = z.number().int().nonnegative();
const SHAPE = z.looseObject({
  rows: count.optional(),
  write_time: z.string().optional(),
  entity: z.string().optional(),
  schema_version: z.union([z.number(), z.string()]).optional(),
  schema: z
    .looseObject({
      fields: z.array(
        z.looseObject({ name: z.string(), type: z.string(), nullable: z.boolean().optional() }),
      ),
    })
    .nullish(),
  write_id: z.string().optional(),
  files: z
    .array(
      z.looseObject({
        name: z.string(),
        rows: count,
        bytes: count,
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .optional(),
  replaced: z
    .array(
      z.looseObject({
        name: z.string(),
        etag: z.string(),
        bytes: z.number().optional(),
        sha256: z.string().optional(),
      }),
    )
    .optional(),
  made_from: z.looseObject({ entity: z.string(), version: z.string() }).optional(),
});

const SHA = "0f".repeat(32);
/** JSON that fits nowhere, or only in some places. -1e300 is left out: zod reports another of its two faults. */
const anything = fc.constantFrom(
  ...['null true 0 -1 1.5 -0 1e999 -1e999 9007199254740993 "" "x" [] {} [1] [null]', `"${SHA}"`].flatMap(
    (list) => list.split(" "),
  ),
);
const json = (value: unknown) => fc.constant(JSON.stringify(value));
const mostly = (good: fc.Arbitrary<string>) =>
  fc.oneof({ arbitrary: good, weight: 12 }, { arbitrary: anything, weight: 1 });
const whole = mostly(fc.nat().map(String));
const string = mostly(fc.string({ maxLength: 3 }).map((text) => JSON.stringify(text)));
const list = (element: fc.Arbitrary<string>) =>
  mostly(fc.array(element, { maxLength: 3 }).map((elements) => `[${elements.join()}]`));
/** An object that may lack any field, and may have others, also those that every object inherits. */
const object = (fields: Readonly<Record<string, fc.Arbitrary<string>>>) =>
  mostly(
    fc
      .record(
        { ...fields, note: anything, constructor: anything, toString: anything },
        { requiredKeys: Object.keys(fields).slice(0, 2) as [] },
      )
      .map(
        (values) => `{${Object.entries(values).map(([name, text]) => `${JSON.stringify(name)}:${text}`)}}`,
      ),
  );
const manifest = object({
  rows: whole,
  write_time: string,
  entity: string,
  schema_version: mostly(fc.oneof(json(1), json("1"))),
  schema: object({
    fields: list(object({ name: string, type: string, nullable: mostly(fc.oneof(json(true), json(false))) })),
  }),
  write_id: string,
  files: list(object({ name: string, rows: whole, bytes: whole, sha256: mostly(json(SHA)) })),
  replaced: list(object({ name: string, etag: string, bytes: whole, sha256: string })),
  made_from: object({ entity: string, version: string }),
});

describe("parseManifest", () => {
  it("accepts, keeps and reports the same as a schema of zod, for any document", () => {
    let accepted = 0;
    let refused = 0;
    fc.assert(
      fc.property(manifest, (text) => {
        const expected = SHAPE.safeParse(JSON.parse(text));
        if (expected.success) {
          accepted++;
          expect(parse(text)).toEqual(expected.data);
        } else {
          refused++;
          const [issue] = expected.error.issues;
          expect(problemOf(text)).toBe(`${issue?.path.join(".") || "the document"}: ${issue?.message}`);
        }
      }),
      { numRuns: 3000 },
    );
    // Documents of both kinds were generated.
    expect(Math.min(accepted, refused)).toBeGreaterThan(300);
  });

  it.each([
    ["", "it is not JSON"],
    ["{", "it is not JSON"],
    ["[]", "the document: Invalid input: expected object, received array"],
    ["null", "the document: Invalid input: expected object, received null"],
    ['{"rows":1e999}', "rows: Invalid input: expected number, received Infinity"],
    ['{"rows":1e300}', "rows: Too big: expected int to be <=9007199254740991"],
    ['{"rows":-1e300}', "rows: Too small: expected number to be >=0"],
    ['{"rows":"3"}', "rows: Invalid input: expected number, received string"],
    ['{"files":{"length":1}}', "files: Invalid input: expected array, received object"],
    [
      `{"files":[{"name":"a","rows":1,"bytes":2,"sha256":"${SHA}\\n"}]}`,
      "files.0.sha256: Invalid string: must match pattern /^[0-9a-f]{64}$/",
    ],
    [
      '{"replaced":[{"name":"a","etag":"e"},{"name":"b"}]}',
      "replaced.1.etag: Invalid input: expected string, received undefined",
    ],
    ['{"schema_version":null}', "schema_version: Invalid input"],
  ])("refuses %j and names the field", (text, problem) => {
    expect(problemOf(text)).toBe(problem);
  });

  it("refuses bytes that are not UTF-8", () => {
    expect(() => parseManifest(Uint8Array.of(0x22, 0xff, 0x22), KEY)).toThrow("it is not JSON");
  });

  it("takes nothing from __proto__, and pollutes no prototype", () => {
    const hostile = parse(
      '{"__proto__":{"rows":7,"files":[],"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    );
    expect(Object.getPrototypeOf(hostile)).toBe(Object.prototype);
    expect(hostile.rows).toBeUndefined();
    expect({ ...hostile }.files).toBeUndefined();
    expect(Reflect.get({}, "polluted")).toBeUndefined();
    expect(problemOf('{"files":[{"__proto__":{"name":"a","rows":1,"bytes":2}}]}')).toBe(
      "files.0.name: Invalid input: expected string, received undefined",
    );
  });

  it("accepts 200,000 nested arrays in a field that it does not know", () => {
    const depth = 200_000;
    const nested = `{"rows":3,"note":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    expect(parse(nested).rows).toBe(3);
    expect(problemOf(nested.replace("note", "files"))).toBe(
      "files.0: Invalid input: expected object, received array",
    );
  });
});
