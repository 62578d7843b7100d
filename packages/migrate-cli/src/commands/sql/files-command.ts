import { Readable } from "node:stream";
import { type CommandContext, usageError } from "../command-context.ts";
import { EXIT_OK } from "../exit-codes.ts";
import { type TypeFlags, withDatabase } from "./open-database.ts";
import { parseParameters, readSql } from "./read-sql.ts";
import { writeOutput } from "./write-output.ts";

/** Flags of `parquetry files`. */
export type FilesFlags = TypeFlags & {
  readonly file?: string;
  readonly format?: "text" | "json" | "ndjson";
  readonly param?: readonly string[];
  readonly table?: string;
};

/** `parquetry files [sql]`: prints the files that a query would read, for engines that read only files that they are given. */
export async function filesCommand(
  context: CommandContext,
  flags: FilesFlags,
  sql?: string,
): Promise<number> {
  const text = await readSql(context, flags, sql);
  await withDatabase(context, flags, async (db) => {
    const planned = await db.files(text, parseParameters(flags.param), { signal: context.interrupt.abort });
    const { resolveTable } = await import("@parquetry/query/unstable");
    const tables = [...new Set(planned.map(({ entity }) => entity))];
    const one = flags.table === undefined ? undefined : resolveTable(flags.table, tables);
    const isText = flags.format === undefined || flags.format === "text";
    if (isText && !context.json && one === undefined && tables.length > 1)
      throw usageError(
        `the query reads ${tables.join(" and ")}. Choose one by --table, or --format ndjson, which names the table of each file.`,
      );
    const chosen = planned.filter(({ entity }) => one === undefined || entity === one);
    const files = chosen.map(({ path, sizeBytes: bytes, entity: table, partition: keys }) => ({
      ...{ path, bytes, table, keys },
    }));
    context.emit("summary", { exitCode: EXIT_OK, files });
    if (context.json) return;
    const whole = flags.format === "json" ? [`${JSON.stringify(files, null, 2)}\n`] : undefined;
    const line = flags.format === "ndjson" ? JSON.stringify : ({ path }: { readonly path: string }) => path;
    await writeOutput(context.stdout, Readable.from(whole ?? files.map((file) => `${line(file)}\n`)));
  });
  return EXIT_OK;
}
