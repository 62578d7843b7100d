import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ColumnSchema,
  type ColumnType,
  createMemoryBackend,
  parseKey,
  partition,
  type Row,
  Storage,
} from "../src/index.ts";
import { AWKWARD_NAMES } from "./support/awkward-names.ts";
import { exactRows } from "./support/exact-rows.ts";

const INT64_MAX = 2n ** 63n - 1n;

/** Names that readers tend to confuse or lose, and any others. */
const name = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(...AWKWARD_NAMES),
  },
  {
    weight: 1,
    arbitrary: fc
      .string({ unit: "binary", minLength: 1, maxLength: 4 })
      .filter((text) => text !== "__proto__" && !text.includes("\0")),
  },
);

interface Generated {
  readonly schema: readonly ColumnSchema[];
  readonly rows: readonly Row[];
}

const fieldsOf = (type: fc.Arbitrary<ColumnType>): fc.Arbitrary<ColumnSchema[]> =>
  fc.uniqueArray(fc.record({ name, type }), {
    minLength: 1,
    maxLength: 4,
    selector: (field) => field.name.toLowerCase(),
  });
const { type } = fc.letrec<{ type: ColumnType }>((tie) => ({
  type: fc.oneof(
    { depthSize: "small", maxDepth: 4 },
    fc.constantFrom<ColumnType>(
      "int64",
      "double",
      "boolean",
      "string",
      "timestamp",
      "binary",
      "json",
      "null",
    ),
    fc.record({ list: tie("type") }),
    fc.record({ struct: fieldsOf(tie("type")) }),
  ),
}));

const text = fc.oneof(
  fc.constantFrom("", "\uFEFF", "\uFEFFx", "null", "NaN", "a\0b", "__proto__"),
  fc.string({ unit: "binary", maxLength: 6 }),
);

/** Values that a column of a type takes; with null. */
function valuesOf(of: ColumnType): fc.Arbitrary<unknown> {
  return fc.option(presentValue(of), { freq: 4 });
}

function presentValue(of: ColumnType): fc.Arbitrary<unknown> {
  if (typeof of === "object") {
    if ("list" in of) return fc.array(valuesOf(of.list), { maxLength: 3 });
    const fields = Object.fromEntries(of.struct.map((field) => [field.name, valuesOf(field.type)]));
    return fc.record(fields, { requiredKeys: [], noNullPrototype: true });
  }
  switch (of) {
    case "int64":
      return fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -INT64_MAX - 1n, max: INT64_MAX }));
    case "double":
      return fc.oneof(
        fc.double(),
        fc.constantFrom(Number.NaN, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324),
      );
    case "boolean":
      return fc.boolean();
    case "string":
      return text;
    case "timestamp":
      return fc.date({
        noInvalidDate: true,
        min: new Date("0001-01-01T00:00:00Z"),
        max: new Date("9999-12-31T23:59:59.999Z"),
      });
    case "binary":
      return fc.uint8Array({ maxLength: 6 });
    case "json":
      return fc
        .jsonValue({ maxDepth: 2 })
        .filter((value) => value !== null && !JSON.stringify(value).includes("__proto__"));
    case "null":
      return fc.constant(null);
  }
}

const generated: fc.Arbitrary<Generated> = fieldsOf(type).chain((schema) =>
  fc
    .array(
      fc.record(Object.fromEntries(schema.map((column) => [column.name, valuesOf(column.type)])), {
        requiredKeys: [],
        noNullPrototype: true,
      }),
      { minLength: 1, maxLength: 12 },
    )
    .map((rows) => ({ schema, rows })),
);

describe("rows of every type, nested, with names of every kind", () => {
  it("are read back by readParquet and readIndex, whole and column by column, as they were written", async () => {
    await fc.assert(
      fc.asyncProperty(generated, async ({ schema, rows }) => {
        const storage = new Storage(createMemoryBackend());
        await storage.writeParquet("a.parquet", rows, { schema });
        const wanted = exactRows(rows, schema);
        const back = await storage.readParquet("a.parquet");
        expect(exactRows(back, schema)).toEqual(wanted);
        const names = schema.map((column) => column.name);
        for (const row of back) expect(new Set(Object.keys(row))).toEqual(new Set(names));
        // The rows that were read can be written again by the same schema.
        await storage.writeParquet("b.parquet", back, { schema });
        expect(exactRows(await storage.readParquet("b.parquet"), schema)).toEqual(wanted);
        for (const column of schema) {
          const one = await storage.readParquet("a.parquet", { columns: [column.name] });
          expect(exactRows(one, [column])).toEqual(exactRows(rows, [column]));
        }
        await storage.write("t", rows, partition({ partition_key: 1 }), { schema });
        const indexed = await storage.readIndex("t");
        expect(exactRows(indexed, schema)).toEqual(wanted);
        for (const row of indexed) expect(row["partition_key"]).toBe("1");
      }),
      { numRuns: 300 },
    );
  });

  it("are read by pyarrow as they were written", async (context) => {
    const python = process.env["PARQUETRY_PYTHON"] ?? "python3";
    const run = promisify(execFile);
    const found = await run(python, ["-c", "import pyarrow"]).then(
      () => true,
      () => false,
    );
    if (!found) {
      const reason = `no pyarrow in ${python}; set PARQUETRY_PYTHON to a Python that has it`;
      if (process.env["PARQUETRY_REQUIRE_PYARROW"] === "1") throw new Error(reason);
      context.skip(reason);
    }
    const folder = await mkdtemp(join(tmpdir(), "parquetry-round-trip-"));
    try {
      const storage = new Storage(createMemoryBackend());
      const all: unknown[] = [];
      for (const { schema, rows } of fc.sample(generated, 200)) {
        await storage.writeParquet("a.parquet", rows, { schema });
        const { body } = await storage.backend.get(parseKey("a.parquet"));
        await writeFile(join(folder, `${all.length}.parquet`), await body.bytes());
        all.push({ schema, rows: exactRows(rows, schema) });
      }
      await writeFile(join(folder, "expected.json"), JSON.stringify(all));
      const { stdout } = await run(python, ["-c", PROGRAM, folder], { maxBuffer: 2 ** 26 });
      expect(JSON.parse(stdout)).toEqual([]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, 60_000);
});

/** Prints the files whose rows differ from the expected ones. */
const PROGRAM = `
import json, math, os, struct, sys, pyarrow.parquet as pq
folder = sys.argv[1]
def exact(value, of):
    if value is None: return None
    if isinstance(of, dict):
        if "list" in of: return [exact(item, of["list"]) for item in value]
        assert set(value) == {f["name"] for f in of["struct"]}, (value, of)
        return [[f["name"], exact(value[f["name"]], f["type"])] for f in of["struct"]]
    if of == "timestamp":
        from datetime import datetime, timedelta, timezone
        return str((value - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1))
    if of == "binary": return value.hex()
    if of == "double": return struct.pack(">d", float("nan") if math.isnan(value) else value).hex()
    if of == "int64": return str(value)
    return value
differ = []
for i, expected in enumerate(json.load(open(os.path.join(folder, "expected.json"), encoding="utf-8"))):
    table = pq.ParquetFile(os.path.join(folder, f"{i}.parquet")).read()
    found = [[[f["name"], exact(value, f["type"])] for f, value in zip(expected["schema"], row)]
        for row in zip(*[column.to_pylist() for column in table.columns])]
    names = [f["name"] for f in expected["schema"]]
    if table.column_names != names or found != expected["rows"]: differ.append([i, names, found, expected["rows"]])
print(json.dumps(differ[:3]))
`;
