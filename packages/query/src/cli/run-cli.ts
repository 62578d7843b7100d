import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { isStorageError, type Row, type Storage } from "@parquetry/core";
import { openQuery } from "../database/open-query.ts";
import type { QueryCursor } from "../database/query-cursor.ts";
import type { QueryDatabase } from "../database/query-database.ts";
import type { QueryStats } from "../database/query-result.ts";
import { defaultCacheDirectory } from "../files/cache-directory.ts";
import { type CommandLine, errorLine, type OutputFormat, parseCommandLine } from "./command-line.ts";
import { drawDescription } from "./draw-description.ts";
import { counted, drawExplanation, formatBytes } from "./draw-explanation.ts";
import { drawTable } from "./draw-table.ts";
import { loadEnvFile } from "./open-storage.ts";
import { copyWhole, OutputClosed, writeText, writeTextFile } from "./output.ts";
import { runCache } from "./run-cache.ts";
import { runCompact } from "./run-compact.ts";
import { runDdl } from "./run-ddl.ts";
import { runShell } from "./run-shell.ts";
import { declaredTypes } from "./type-options.ts";
import { usage } from "./usage.ts";
import { jsonRow, writeRows } from "./write-rows.ts";

/** Rows that a table shows at a terminal. */
const TABLE_ROWS = 100;
const DEFAULT_WIDTH = 80;
const MIN_WIDTH = 20;

/** The world that the command runs in. */
export interface CliContext {
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly version: string;
  readonly signal: AbortSignal;
  /** Opens the storage that the environment names. */
  openStorage(env: NodeJS.ProcessEnv, envPrefix: string | undefined): Promise<Storage>;
}

/**
 * Runs the command.
 *
 * @returns its exit code: 0 done, 1 failed, 2 wrong usage, configuration or SQL, 130 interrupted.
 */
export async function runCli(context: CliContext): Promise<number> {
  const [first] = context.argv;
  // None of these is SQL.
  if (first === "cache") return runCache(context);
  if (first === "ddl") return runDdl(context);
  if (first === "compact") return runCompact(context);
  const line = parseCommandLine(context.argv, context.version, {
    out: (message) => context.stdout.write(message),
    err: (message) => context.stderr.write(message),
  });
  if (typeof line === "number") return line;
  try {
    await loadEnvFile(line.envFile, context.env);
    await using storage = await context.openStorage(context.env, line.envPrefix);
    await using db = await openQuery(storage, {
      cacheDirectory: defaultCacheDirectory(context.env),
      remote: line.remote,
      httpfsExtension: context.env["PARQUETRY_HTTPFS_EXTENSION"],
      ...(await declaredTypes(line, storage)),
    });
    await answer(context, line, db);
    return 0;
  } catch (error) {
    return report(context, line, error);
  }
}

async function answer(context: CliContext, line: CommandLine, db: QueryDatabase): Promise<void> {
  const { signal } = context;
  if (line.tables) {
    const tables = await db.tables({ signal });
    const shown = line.json
      ? `${JSON.stringify({ tables })}\n`
      : tables.map((table) => `${table}\n`).join("");
    return writeText(context.stdout, [shown]);
  }
  if (line.describe !== undefined) {
    const table = await db.describe(line.describe, { signal });
    const shown = line.json ? `${JSON.stringify(table)}\n` : drawDescription(table, tableWidth(context));
    return writeText(context.stdout, [shown]);
  }
  const nothingAsked = line.sql === undefined && line.file === undefined && !line.explain;
  if (nothingAsked && context.stdin.isTTY === true && context.stdout.isTTY === true && !line.json) {
    return runShell(context, db);
  }
  const sql = await readSql(context, line);
  const parameters = parseParameters(line.param);
  const options = { signal, timeoutMs: parseTimeout(line.timeout), timestamps: "text" } as const;
  if (line.explain) {
    const explanation = await db.explain(sql, parameters, options);
    return writeText(context.stdout, [
      line.json ? `${JSON.stringify(explanation)}\n` : drawExplanation(explanation),
    ]);
  }
  const format = formatOf(context, line);
  if (format === "parquet") return writeParquet(context, line, db, sql, parameters, options);
  await using cursor = await db.open(sql, parameters, options);
  const { columns, stats } = cursor;
  const pieces = line.json
    ? jsonDocument(cursor)
    : format === "table"
      ? single(await drawRows(context, line, cursor))
      : writeRows(format, columns, cursor);
  if (line.output === undefined) await writeText(context.stdout, pieces);
  else await writeTextFile(line.output, pieces);
  if (!line.json) summarise(context, line, stats);
}

async function drawRows(context: CliContext, line: CommandLine, cursor: QueryCursor): Promise<string> {
  const { columns, stats } = cursor;
  const atTerminal = context.stdout.isTTY === true && line.output === undefined;
  const limit = atTerminal ? TABLE_ROWS : Number.POSITIVE_INFINITY;
  const rows: Row[] = [];
  for await (const batch of cursor) {
    for (const row of batch) if (rows.length < limit) rows.push(row);
    if (rows.length >= limit) break;
  }
  const color = atTerminal && line.color && !context.env["NO_COLOR"];
  const table = drawTable(columns, rows, { color, width: atTerminal ? tableWidth(context) : undefined });
  const more = stats.rowCount - rows.length;
  const note = more > 0 ? `… ${counted(more, "more row")}; --format csv shows all\n` : "";
  return `${table}${note}(${counted(stats.rowCount, "row")})\n`;
}

async function* jsonDocument(cursor: QueryCursor): AsyncGenerator<string> {
  // Rows are written as they come: where one fails, the error is a line of its own.
  try {
    yield* jsonPieces(cursor);
  } catch (error) {
    yield "\n";
    throw error;
  }
}

async function* jsonPieces(cursor: QueryCursor): AsyncGenerator<string> {
  const { columns, stats } = cursor;
  yield `{"columns":${JSON.stringify(columns)},"rows":[`;
  let isFirst = true;
  for await (const batch of cursor) {
    const rows = batch.map((row) => jsonRow(columns, row)).join(",");
    yield isFirst || rows === "" ? rows : `,${rows}`;
    isFirst &&= rows === "";
  }
  yield `],"stats":${JSON.stringify(stats)}}\n`;
}

async function writeParquet(
  context: CliContext,
  line: CommandLine,
  db: QueryDatabase,
  sql: string,
  parameters: Record<string, string>,
  options: Parameters<QueryDatabase["toParquet"]>[2],
): Promise<void> {
  if (line.output === undefined && context.stdout.isTTY === true) {
    throw usage("--format parquet is bytes: give --output FILE, or send stdout to a file");
  }
  const { path, stats } = await db.toParquet(sql, parameters, options);
  if (line.output === undefined) await pipeline(createReadStream(path), context.stdout, { end: false });
  else await copyWhole(path, line.output);
  summarise(context, line, stats);
}

function summarise(context: CliContext, line: CommandLine, stats: QueryStats): void {
  // A terminal sees the result; what was read is of interest when asked for.
  if (line.quiet || (context.stdout.isTTY !== true && line.output === undefined && !line.verbose)) return;
  if (line.verbose) context.stderr.write(drawExplanation(stats));
  const read = stats.tables.reduce((sum, { files }) => sum + files, 0);
  const bytes = stats.tables.reduce((sum, table) => sum + table.bytes, 0);
  const fetched = stats.fetchedFiles > 0 ? `, ${counted(stats.fetchedFiles, "file")} fetched` : "";
  context.stderr.write(
    `${counted(stats.rowCount, "row")} from ${counted(read, "file")} (${formatBytes(bytes)})${fetched}, ${counted(stats.listRequests, "list request")}, ${(stats.totalMs / 1000).toFixed(2)} s\n`,
  );
}

async function readSql(context: CliContext, line: CommandLine): Promise<string> {
  if (line.sql !== undefined && line.file !== undefined) throw usage("give the SQL or --file, not both");
  if (line.sql !== undefined && line.sql !== "-") return line.sql;
  if (line.file !== undefined && line.file !== "-") {
    try {
      return await readFile(line.file, "utf8");
    } catch (cause) {
      throw usage(`the file ${line.file} cannot be read`, cause);
    }
  }
  if (context.stdin.isTTY === true)
    throw usage("give the SQL as an argument, by --file, or on stdin; see --help");
  return text(context.stdin);
}

function formatOf(context: CliContext, line: CommandLine): OutputFormat {
  if (line.format !== undefined) return line.format;
  const ending = /\.(csv|tsv|json|ndjson|parquet|md)$/i.exec(line.output ?? "")?.[1]?.toLowerCase();
  if (ending !== undefined) return ending === "md" ? "markdown" : (ending as OutputFormat); // one of the endings above
  return context.stdout.isTTY === true && line.output === undefined ? "table" : "csv";
}

function tableWidth(context: CliContext): number {
  return Math.max(MIN_WIDTH, context.stdout.columns ?? DEFAULT_WIDTH);
}

function parseParameters(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((pair) => {
      const equals = pair.indexOf("=");
      if (equals <= 0) throw usage(`--param ${pair} is no name=value`);
      return [pair.slice(0, equals).replace(/^\$/, ""), pair.slice(equals + 1)];
    }),
  );
}

function parseTimeout(seconds: string | undefined): number | undefined {
  if (seconds === undefined) return undefined;
  const value = Number(seconds);
  if (!(value > 0)) throw usage(`--timeout ${seconds} is no number of seconds`);
  return Math.ceil(value * 1000);
}

/** Codes of errors that the caller mends by asking otherwise. */
const WRONG_CODES: ReadonlySet<string> = new Set([
  "invalid_argument",
  "invalid_path",
  "not_found",
  "not_supported",
  "permission_denied",
  "unauthenticated",
]);

/** Tells of an error, and gives the exit code for it. */
export function report(
  context: CliContext,
  line: Pick<CommandLine, "json" | "verbose">,
  error: unknown,
): number {
  if (error instanceof OutputClosed || isBrokenPipe(error)) return 0;
  if (isStorageError(error, "aborted") && context.signal.aborted) return 130;
  const known = isStorageError(error);
  const message = error instanceof Error ? error.message : String(error);
  const exitCode = known && WRONG_CODES.has(error.code) ? 2 : 1;
  if (line.json) {
    const told = { ...(known ? error.toJSON() : {}), code: known ? error.code : "internal", message };
    context.stdout.write(errorLine(context.argv[0], exitCode, told));
  } else {
    context.stderr.write(`error: ${message}\n`);
  }
  if (line.verbose && error instanceof Error) context.stderr.write(`${error.stack ?? ""}\n`);
  return exitCode;
}

function isBrokenPipe(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    (error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED")
  );
}

async function* single(piece: string): AsyncGenerator<string> {
  yield piece;
}
