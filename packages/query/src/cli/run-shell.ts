import { createInterface } from "node:readline";
import type { Row } from "@parquetry/core";
import type { QueryDatabase } from "../database/query-database.ts";
import { drawDescription } from "./draw-description.ts";
import { counted } from "./draw-explanation.ts";
import { drawTable } from "./draw-table.ts";
import type { CliContext } from "./run-cli.ts";

const PROMPT = "parquetry> ";
const CONTINUED = "      ...> ";
const SHOWN_ROWS = 100;
const DEFAULT_WIDTH = 80;
const HELP = `SQL ends with ;
.tables            the tables
.describe <table>  keys and columns of a table
.quit              leave (or Ctrl-D)
`;

/**
 * Asks for SQL line by line, until `.quit` or the end of input. A statement goes on until a line ends with `;`. What
 * fails is told, and the next line is asked for. Ctrl-C drops what was typed, or stops the query that runs.
 */
export async function runShell(context: CliContext, db: QueryDatabase): Promise<void> {
  const { stdin: input, stdout } = context;
  const lines = createInterface({ input, output: stdout, prompt: PROMPT, terminal: stdout.isTTY === true });
  let typed = "";
  let running: AbortController | undefined;
  const ask = (): void => {
    lines.setPrompt(typed === "" ? PROMPT : CONTINUED);
    lines.prompt();
  };
  lines.on("SIGINT", () => {
    running?.abort();
    typed = "";
    stdout.write("\n");
    ask();
  });
  stdout.write("Parquetry. SQL ends with ; and .help shows what else there is.\n");
  ask();
  for await (const line of lines) {
    const command = line.trim();
    if (typed === "" && (command === ".quit" || command === ".exit")) break;
    if (typed === "" && (command === "" || command.startsWith("."))) {
      if (command !== "") await tell(context, () => dotCommand(context, db, command));
    } else {
      typed += `${line}\n`;
      if (command.endsWith(";")) {
        const sql = typed;
        typed = "";
        const controller = new AbortController();
        running = controller;
        await tell(context, () => answer(context, db, sql, controller.signal));
        running = undefined;
      }
    }
    ask();
  }
  lines.close();
}

async function tell(context: CliContext, run: () => Promise<string>): Promise<void> {
  try {
    context.stdout.write(await run());
  } catch (error) {
    context.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}

async function dotCommand(context: CliContext, db: QueryDatabase, command: string): Promise<string> {
  const [name, argument] = command.split(/\s+/);
  if (name === ".tables") return (await db.tables()).map((table) => `${table}\n`).join("");
  if (name === ".describe" && argument !== undefined) {
    const table = await db.describe(argument.replace(/^"|"$|;$/g, ""));
    return drawDescription(table, context.stdout.columns ?? DEFAULT_WIDTH);
  }
  return HELP;
}

async function answer(
  context: CliContext,
  db: QueryDatabase,
  sql: string,
  signal: AbortSignal,
): Promise<string> {
  await using cursor = await db.open(sql, undefined, { signal, timestamps: "text" });
  const rows: Row[] = [];
  for await (const batch of cursor) {
    rows.push(...batch.slice(0, SHOWN_ROWS - rows.length));
    if (rows.length >= SHOWN_ROWS) break;
  }
  const more = cursor.stats.rowCount - rows.length;
  const note = more > 0 ? `… ${counted(more, "more row")}\n` : "";
  const seconds = (cursor.stats.totalMs / 1000).toFixed(2);
  return `${draw(context, cursor.columns, rows)}${note}(${counted(cursor.stats.rowCount, "row")}, ${seconds} s)\n`;
}

function draw(
  { stdout, env }: CliContext,
  columns: Parameters<typeof drawTable>[0],
  rows: readonly Row[],
): string {
  const color = stdout.isTTY === true && !env["NO_COLOR"];
  return drawTable(columns, rows, { color, width: stdout.columns ?? DEFAULT_WIDTH });
}
