import type { FileFailure } from "../plan/migration-plan.ts";
import type { Spool } from "../spool/spool.ts";
import { formatCount } from "../terminal/format-amount.ts";
import { visibleName } from "../terminal/terminal.ts";
import type { CommandContext } from "./command-context.ts";

/** How many names of a list are printed; a report has them all. */
export const NAMES_TOLD = 10;

/** Prints the first names of a list; with `--json`, all of them, one per line. */
export async function tellNames<T>(
  context: CommandContext,
  label: string,
  list: Spool<T>,
  describe: (item: T) => string,
): Promise<void> {
  if (context.json) {
    for await (const item of list)
      context.emit("file", { problem: label.replace(/,.*/, ""), detail: describe(item) });
    return;
  }
  for (const item of list.first(NAMES_TOLD)) context.warn(`${label}: ${visibleName(describe(item))}`);
  const more = list.length - NAMES_TOLD;
  if (more > 0) context.warn(`${label}: ${formatCount(more)} more; ${allOf(context)}`);
}

/** Prints the folders and files that could not be read, as failures. */
export async function tellUnreadable(context: CommandContext, list: Spool<FileFailure>): Promise<void> {
  const { terminal, json } = context;
  if (json) {
    for await (const failure of list) context.emit("failed", { ...failure });
    return;
  }
  const told = list.first(NAMES_TOLD).map(({ message }) => visibleName(message));
  const more = list.length - told.length;
  if (more > 0) told.push(`${formatCount(more)} more could not be read; ${allOf(context)}`);
  for (const line of told) terminal.tell(`${terminal.mark("red", "failed:")} ${line}`);
}

/** The flag that lists all names. */
function allOf({ command }: CommandContext): string {
  return `${command === "migrate" || command === "verify" ? "--report DIR" : "--json"} lists them all`;
}

/** A list's items as lines of text. */
export async function* namesOf<T>(
  list: AsyncIterable<T>,
  describe: (item: T) => string,
): AsyncGenerator<string> {
  for await (const item of list) yield describe(item);
}
