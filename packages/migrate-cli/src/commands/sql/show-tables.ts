import { resolve } from "node:path";
import type { Row } from "@parquetry/core";
import type { QueryColumn, QueryDatabase } from "@parquetry/query";
import { type CommandContext, usageError } from "../command-context.ts";
import { EXIT_OK } from "../exit-codes.ts";
import { drawDescription } from "./draw-rows.ts";
import { givenFormat, type OutputFormat } from "./output-format.ts";
import type { TableStatement } from "./table-statement.ts";
import { writeOutput, writeTextFile } from "./write-output.ts";
import { writeRows } from "./write-rows.ts";

/** The answer to a statement about tables, in the forms that it is shown in. */
interface TablesShown {
  readonly summary: Readonly<Record<string, unknown>>;
  readonly columns: readonly QueryColumn[];
  readonly rows: readonly Row[];
  /** The same as lines for a terminal. */
  readonly lines: readonly string[];
  /** Sentences that the rows do not hold. */
  readonly notes: readonly string[];
}

interface ShowFlags {
  readonly format?: OutputFormat;
  readonly output?: string;
  readonly explain?: boolean;
}

/** Lists or describes tables: `--tables`, `--describe` and the statements that mean the same. */
export async function showTables(
  context: CommandContext,
  flags: ShowFlags,
  db: QueryDatabase,
  statement: TableStatement,
): Promise<void> {
  const { json, terminal, stdout, cwd } = context;
  const format = givenFormat(flags) ?? "table";
  if (flags.explain === true)
    throw usageError("--explain is for a SELECT; listing and describing tables reads no rows.");
  if (format === "parquet")
    throw usageError(
      "--format parquet is for the rows of a SELECT. For a list or description of tables give --format table, csv, tsv, json, ndjson or markdown.",
    );
  const shown = await answerAboutTables(context, db, statement, context.interrupt.abort);
  const output = flags.output === undefined ? undefined : resolve(cwd, flags.output);
  const pieces = format === "table" ? asText(shown.lines) : writeRows(format, shown.columns, [shown.rows]);
  if (output !== undefined) await writeTextFile(output, pieces);
  context.emit("summary", { exitCode: EXIT_OK, ...shown.summary, ...(output !== undefined && { output }) });
  if (json) return;
  if (output === undefined && format === "table") for (const line of shown.lines) terminal.print(line);
  if (output === undefined && format !== "table") await writeOutput(stdout, pieces);
  if (format !== "table") for (const note of shown.notes) context.note(note);
  if (statement.kind === "tables" && shown.rows.length === 0) context.note("The storage has no tables.");
}

/** The lines that a statement about tables shows to people. */
export async function linesAboutTables(
  context: CommandContext,
  db: QueryDatabase,
  statement: TableStatement,
  signal: AbortSignal,
): Promise<readonly string[]> {
  return (await answerAboutTables(context, db, statement, signal)).lines;
}

async function answerAboutTables(
  { terminal }: CommandContext,
  db: QueryDatabase,
  statement: TableStatement,
  signal: AbortSignal,
): Promise<TablesShown> {
  if (statement.kind === "tables") {
    const tables = await db.tables({ signal });
    return {
      summary: { tables },
      columns: [{ name: "table", type: "VARCHAR" }],
      rows: tables.map((table) => ({ table })),
      lines: tables,
      notes: [],
    };
  }
  const table = await db.describe(statement.table, { signal });
  const { describeNotes } = await import("@parquetry/query/unstable");
  const notes = describeNotes(table);
  const row =
    (partition: boolean) =>
    ({ name, type }: QueryColumn): Row => ({ column: name, type, partition });
  return {
    summary: { ...table },
    columns: [
      { name: "column", type: "VARCHAR" },
      { name: "type", type: "VARCHAR" },
      { name: "partition", type: "BOOLEAN" },
    ],
    rows: [...table.columns.map(row(false)), ...table.keys.map(row(true))],
    lines: drawDescription(table, notes, terminal.width),
    notes,
  };
}

async function* asText(lines: readonly string[]): AsyncGenerator<string> {
  for (const line of lines) yield `${line}\n`;
}
