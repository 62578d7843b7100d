import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const SOURCE = join(dirname(fileURLToPath(import.meta.url)), "..", "src");
/** Who chooses the engine, and the other side of a process boundary; DDL for DuckDB is quoted as DuckDB wants it. */
const MAY_KNOW = /^(?:duckdb|isolated|bin|ddl)\/|^open-query\.ts$/;

it("knows DuckDB only behind the interface Engine", () => {
  const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  const strangers = files.filter(
    (file) =>
      !MAY_KNOW.test(file.replaceAll("\\", "/")) &&
      /from "(?:@duckdb\/|[./]+\/duckdb\/)/.test(readFileSync(join(SOURCE, file), "utf8")),
  );
  expect(strangers).toEqual([]);
  expect(files.length).toBeGreaterThan(50);
});
