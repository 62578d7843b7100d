import { parseKey } from "@parquetry/core/backend";
import type { DdlEngine } from "@parquetry/query";
import type { CommandContext } from "../command-context.ts";
import { loadQuery, type TypeFlags, withDatabase } from "./open-database.ts";

/** Flags of `parquetry ddl`. */
export type DdlFlags = TypeFlags & { readonly engine: DdlEngine };

/** `parquetry ddl`: prints the statement with which another engine reads a table in place. */
export async function ddlCommand(context: CommandContext, flags: DdlFlags, name = ""): Promise<number> {
  const { generateDdl } = await loadQuery(context.command);
  return await withDatabase(context, flags, async (db, storage) => {
    const table = await db.describe(name, { signal: context.interrupt.abort });
    const location = storage.backend.url(parseKey(table.entity));
    const ddl = generateDdl(flags.engine, table, location);
    context.emit("summary", { exitCode: 0, engine: flags.engine, entity: table.entity, location, ddl });
    if (!context.json) context.terminal.print(ddl.trimEnd());
    return 0;
  });
}
