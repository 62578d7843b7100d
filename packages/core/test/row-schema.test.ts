import { beforeEach, describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import * as zodMini from "zod/mini";
import {
  columnsFromZod,
  createMemoryBackend,
  partition,
  type Row,
  type RowSchema,
  Storage,
} from "../src/index.ts";

const Play = z.object({
  team: z.string(),
  down: z.enum(["1st", "2nd"]).optional(),
  yards: z.int().nullable(),
  epa: z.number(),
  at: z.date(),
  id: z.bigint().readonly(),
  tags: z.array(z.string().nullable()),
  spot: z.object({ x: z.int(), side: z.literal("home") }),
  extra: z.record(z.string(), z.unknown()),
  maybe: z.union([z.boolean(), z.null()]).default(null),
});

describe("columnsFromZod", () => {
  it("returns a column for every field", () => {
    expect(columnsFromZod(Play)).toEqual([
      { name: "team", type: "string" },
      { name: "down", type: "string" },
      { name: "yards", type: "int64" },
      { name: "epa", type: "double" },
      { name: "at", type: "timestamp" },
      { name: "id", type: "int64" },
      { name: "tags", type: { list: "string" } },
      {
        name: "spot",
        type: {
          struct: [
            { name: "x", type: "int64" },
            { name: "side", type: "string" },
          ],
        },
      },
      { name: "extra", type: "json" },
      { name: "maybe", type: "boolean" },
    ]);
  });

  it("takes an object of zod/mini, too", () => {
    const schema = zodMini.object({ team: zodMini.nullable(zodMini.string()), yards: zodMini.int() });
    expect(columnsFromZod(schema)).toEqual([
      { name: "team", type: "string" },
      { name: "yards", type: "int64" },
    ]);
  });

  it.each([
    [z.object({ a: z.union([z.string(), z.number()]) }), "the field a is a zod union"],
    [z.object({ a: z.object({ b: z.string().transform(Number) }) }), "the field a.b is a zod pipe"],
    [z.object({ a: z.map(z.string(), z.string()) }), "the field a is a zod map"],
    [z.object({ a: z.literal([1, "x"]) }), "do not have one common type"],
  ])("refuses fields without a column type", (schema, problem) => {
    expect(() => columnsFromZod(schema)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    expect(() => columnsFromZod(schema)).toThrow(problem);
  });

  it("pins the types of partitions whose rows would not reveal them", async () => {
    const storage = new Storage(createMemoryBackend());
    const schema = columnsFromZod(z.object({ a: z.number(), b: z.string().nullable() }));
    await storage.write("raw/x", [{ a: 1, b: null }], partition({ y: 1 }), { schema });
    await storage.write("raw/x", [{ a: 1.5, b: "x" }], partition({ y: 2 }), { schema });
    expect((await storage.inspect("raw/x")).drift).toEqual([]);
  });
});

describe("rowSchema", () => {
  let storage: Storage;
  beforeEach(async () => {
    storage = new Storage(createMemoryBackend());
    await storage.write("raw/plays", [{ team: "Rice", yards: 5 }], partition({ year: 2023 }));
    await storage.write("raw/plays", [{ team: "Rice", yards: 7, late: "x" }], partition({ year: 2024 }));
  });

  const rowSchema = z.object({
    team: z.string(),
    yards: z.int(),
    late: z.string().nullable(),
    note: z.string().optional(),
    year: z.coerce.number(),
  });

  it("parses every row with its partition columns, and types the result", async () => {
    const rows = await storage.readIndex("raw/plays", {}, { rowSchema });
    expectTypeOf(rows).toEqualTypeOf<z.infer<typeof rowSchema>[]>();
    expect(rows).toEqual([
      { team: "Rice", yards: 5, late: null, year: 2023 },
      { team: "Rice", yards: 7, late: "x", year: 2024 },
    ]);
    for await (const batch of storage.scan("raw/plays", {}, { rowSchema })) {
      expectTypeOf(batch).toEqualTypeOf<z.infer<typeof rowSchema>[]>();
    }
    const plain = await storage.readIndex("raw/plays");
    expectTypeOf(plain).toEqualTypeOf<Row[]>();
  });

  it("names the file, the row and the column of a value that does not fit", async () => {
    await storage.write(
      "raw/plays",
      [
        { team: "Rice", yards: 1 },
        { team: null, yards: 2.5 },
      ],
      partition({ year: 2025 }),
      { allowOtherTypes: true },
    );
    await expect(storage.readIndex("raw/plays", {}, { rowSchema })).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringMatching(/row 1 of .*year=2025\/part-0.parquet does not fit.*team: .*yards: /),
    });
  });

  it("may stop at the first issue, answer with promises, and be a function, as in other libraries", async () => {
    const files = new Map<unknown, number>();
    const validate = async (value: unknown) => {
      const row = value as Row;
      files.set(row["year"], (files.get(row["year"]) ?? 0) + 1);
      for (const name of ["note", "late", "team"]) {
        const path = name === "late" ? [{ key: name }] : [name];
        if (row[name] === undefined) return { issues: [{ message: "required", path }] };
      }
      return { value: `${row["team"]} ${row["note"]} ${row["late"]}` };
    };
    const schema: RowSchema<string> = Object.assign(() => {}, {
      "~standard": { version: 1, vendor: "test", validate } as const,
    });
    await storage.write("raw/plays", [{ team: "a" }, { team: "b" }], partition({ year: 2025 }));
    const rows = await storage.readIndex("raw/plays", {}, { rowSchema: schema });
    expectTypeOf(rows).toEqualTypeOf<string[]>();
    expect(rows).toEqual(["Rice null null", "Rice null x", "a null null", "b null null"]);
    // Only the first row of a file is parsed again, once for each column that the file lacks.
    expect(Object.fromEntries(files)).toEqual({ 2023: 3, 2024: 2, 2025: 3 });
  });

  it("reports what a schema of unions says about the whole row", async () => {
    const either = z.union([z.object({ punt: z.string() }), z.object({ kick: z.string() })]);
    await expect(storage.readIndex("raw/plays", {}, { rowSchema: either })).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringContaining("does not fit the rowSchema: the row: Invalid input."),
    });
  });
});
