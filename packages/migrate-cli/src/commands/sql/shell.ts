import { createInterface } from "node:readline";
import type { QueryDatabase } from "@parquetry/query";
import { formatDuration } from "../../terminal/format-amount.ts";
import type { CommandContext } from "../command-context.ts";
import { inexactNote } from "./draw-explanation.ts";
import { countRows, drawRows, firstRows, moreRows } from "./draw-rows.ts";
import { showQueryProgress } from "./query-progress.ts";
import { linesAboutTables } from "./show-tables.ts";
import { readTableName, readTableStatement } from "./table-statement.ts";

const PROMPT = "parquetry> ";
const CONTINUED = "      ...> ";
const SHOWN_ROWS = 100;
const HELP = [
  "SQL ends with ;",
  ".tables            list the tables, as SHOW TABLES; does",
  ".describe <table>  show keys and columns, as DESCRIBE <table>; does",
  ".quit              leave (or Ctrl-D)",
];

/**
 * Prompts for SQL until `.quit` or the end of input. A statement continues until a line ends with `;`. An error is printed
 * and the next line is prompted for. Ctrl-C discards what was typed, or stops the query that runs.
 */
export async function runShell(context: CommandContext, db: QueryDatabase): Promise<void> {
  const { stdin: input, stdout, terminal } = context;
  const lines = createInterface({ input, output: stdout, prompt: PROMPT, terminal: stdout.isTTY === true });
  let typed = "";
  let running: AbortController | undefined;
  const prompt = (): void => {
    lines.setPrompt(typed === "" ? PROMPT : CONTINUED);
    lines.prompt();
  };
  lines.on("SIGINT", () => {
    running?.abort();
    typed = "";
    stdout.write("\n");
    prompt();
  });
  const run = async (work: (signal: AbortSignal) => Promise<readonly string[]>): Promise<void> => {
    running = new AbortController();
    try {
      for (const line of await work(running.signal)) terminal.print(line);
    } catch (error) {
      terminal.tell(
        `${terminal.mark("red", "error:")} ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    running = undefined;
  };
  terminal.printText("Parquetry. SQL ends with ; and .help lists the other commands.");
  prompt();
  for await (const line of lines) {
    const command = line.trim();
    if (typed === "" && (command === ".quit" || command === ".exit")) break;
    if (typed === "" && (command === "" || command.startsWith("."))) {
      if (command !== "") await run((signal) => dotCommand(context, db, command, signal));
    } else {
      typed += `${line}\n`;
      if (command.endsWith(";")) {
        const sql = typed;
        typed = "";
        await run((signal) => answer(context, db, sql, signal));
      }
    }
    prompt();
  }
  lines.close();
}

async function dotCommand(
  context: CommandContext,
  db: QueryDatabase,
  command: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const [, word, rest = ""] = /^(\S+)\s*(.*)$/.exec(command.replace(/[\s;]+$/, "")) ?? [];
  if (word === ".tables") return await linesAboutTables(context, db, { kind: "tables" }, signal);
  const table = word === ".describe" ? readTableName(rest) : undefined;
  return table === undefined
    ? HELP
    : await linesAboutTables(context, db, { kind: "describe", table }, signal);
}

async function answer(
  context: CommandContext,
  db: QueryDatabase,
  sql: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const aboutTables = readTableStatement(sql);
  if (aboutTables !== undefined) return await linesAboutTables(context, db, aboutTables, signal);
  const { terminal } = context;
  using progress = showQueryProgress(context);
  await using cursor = await db.open(sql, undefined, {
    signal,
    timestamps: "text",
    onProgress: progress.take,
  });
  const first = await firstRows(cursor, SHOWN_ROWS);
  const { columns, stats } = cursor;
  const more = moreRows(first);
  const note = inexactNote(stats);
  return [
    ...drawRows(columns, first.rows, terminal.width, (line) => terminal.style("dim", line)),
    ...(more === undefined ? [] : [more]),
    `(${countRows(first)}, ${formatDuration(stats.totalMs)})`,
    ...(note === undefined ? [] : [note]),
  ];
}
