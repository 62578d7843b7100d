import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { partition } from "@parquetry/core";
import { openQuery } from "@parquetry/query";
import { openStorage } from "@parquetry/storage";
import { describe, expect, it } from "vitest";
import { COPY_FORMS } from "../../ui/page/copy-forms.ts";

const SCRIPT = fileURLToPath(new URL("../dist/bin/parquetry.js", import.meta.url));
const PYTHON = process.env["PARQUETRY_PYTHON"] ?? "python3";
const hasEngines = spawnSync(PYTHON, ["-c", "import duckdb, polars"]).status === 0;
if (!hasEngines && process.env["PARQUETRY_REQUIRE_ENGINES"] === "1")
  throw new Error(`${PYTHON} lacks duckdb or polars; set PARQUETRY_PYTHON to a Python that has them`);

const formOf = (label: string): (typeof COPY_FORMS)[number][1] => {
  const form = COPY_FORMS.find(([name]) => name === label)?.[1];
  if (form === undefined) throw new Error(`no form ${label}`);
  return form;
};

describe("a query is copied", () => {
  it("with its quotes, and with what the place needs", () => {
    const sql = `SELECT 'it''s' AS "a\\b" FROM t`;
    const query = { root: "s3://bucket/data", sql, tables: [] };
    expect(formOf("command line")(query)).toContain(`'SELECT '\\''it'\\'''\\''s'\\'' AS "a\\b" FROM t'`);
    expect(formOf("command line")(query)).toMatch(
      /^PARQUETRY_STORAGE_BACKEND=s3 PARQUETRY_S3_BUCKET=bucket PARQUETRY_S3_PREFIX=data parquetry query '/,
    );
    expect(formOf("command line")({ ...query, root: "/a b" })).toMatch(
      /^PARQUETRY_STORAGE_BACKEND=local PARQUETRY_DATA_ROOT='\/a b' parquetry query '/,
    );
    expect(formOf("TypeScript")(query)).toContain(`db.sql(${JSON.stringify(sql)})`);
    expect(formOf("TypeScript")(query)).toContain('openStorage("s3://bucket/data")');
    expect(formOf("Python: DuckDB")(query)).toContain("CREATE SECRET (TYPE s3, PROVIDER credential_chain)");
  });

  it.skipIf(!hasEngines || process.platform === "win32")(
    "as Python that returns the same rows in DuckDB and Polars",
    async () => {
      const bin = mkdtempSync(join(tmpdir(), "parquetry-test-bin-"));
      writeFileSync(join(bin, "parquetry"), `#!/bin/sh\nexec "${process.execPath}" "${SCRIPT}" "$@"\n`);
      chmodSync(join(bin, "parquetry"), 0o755);
      const root = mkdtempSync(join(tmpdir(), "parquetry-test-copy's-"));
      try {
        await using storage = await openStorage(root);
        for (const week of [1, 2])
          await storage.write(
            "raw/plays",
            [{ team: "Rice", yards: 10 * week }],
            partition({ year: 2024, week }),
          );
        await storage.write(
          "raw/teams",
          [{ name: "Rice", city: "Houston \\ 'é'" }],
          partition({ kind: "a" }),
        );
        await using database = await openQuery(storage, { threads: 1 });
        const sql = `SELECT city, sum(yards) AS yards\nFROM plays JOIN "raw/teams" ON team = name\nWHERE week = 2 GROUP BY city`;
        const { rows } = await database.sql(sql);
        const { tables } = await database.explain(sql);
        for (const label of ["Python: DuckDB", "Python: Polars"]) {
          const code = formOf(label)({ root, sql, tables });
          // The last line prints a picture of the rows; the test takes them as values.
          const asRows = label === "Python: DuckDB" ? ".fetchall())" : ".rows())";
          const program = code.replace(/\)$/, asRows);
          const printed = execFileSync(PYTHON, ["-c", program], {
            encoding: "utf8",
            env: { HOME: bin, PATH: `${bin}:${process.env["PATH"]}` },
          });
          expect(printed.trim().replace("Decimal('20')", "20"), code).toBe(
            `[(${pythonString(rows[0]?.["city"])}, 20)]`,
          );
        }
      } finally {
        for (const folder of [root, bin]) rmSync(folder, { recursive: true, force: true });
      }
    },
  );
});

/** A string as Python prints it. */
function pythonString(value: unknown): string {
  return `"${String(value).replaceAll("\\", "\\\\")}"`;
}
