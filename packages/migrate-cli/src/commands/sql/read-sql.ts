import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { whyNot } from "../../terminal/why-not.ts";
import { type CommandContext, usageError } from "../command-context.ts";

/** The SQL of a command: its argument, the file of `--file`, or stdin. */
export async function readSql(
  context: CommandContext,
  flags: { readonly file?: string },
  sql?: string,
): Promise<string> {
  const found = await givenSql(context, flags, sql);
  if (found.trim() === "")
    throw usageError("the SQL is empty: give it as an argument, by --file, or on stdin.");
  return found;
}

async function givenSql(
  { cwd, stdin }: CommandContext,
  { file }: { readonly file?: string },
  sql: string | undefined,
): Promise<string> {
  if (sql !== undefined && file !== undefined) throw usageError("give the SQL or --file, not both.");
  if (sql !== undefined && sql !== "-") return sql;
  if (file !== undefined && file !== "-") {
    try {
      return await readFile(resolve(cwd, file), "utf8");
    } catch (cause) {
      throw usageError(`the SQL file ${resolve(cwd, file)} cannot be read: ${whyNot(cause)}.`, cause);
    }
  }
  if (stdin.isTTY === true) throw usageError("give the SQL as an argument, by --file, or on stdin.");
  return text(stdin);
}

/** The parameters that `--param` names. */
export function parseParameters(given: readonly string[] | undefined): Record<string, string> | undefined {
  if (given === undefined) return undefined;
  return Object.fromEntries(
    given.map((pair) => {
      const equals = pair.indexOf("=");
      if (equals <= 0) throw usageError(`--param must be name=value, got ${JSON.stringify(pair)}.`);
      return [pair.slice(0, equals).replace(/^\$/, ""), pair.slice(equals + 1)];
    }),
  );
}
