import { parseKey } from "@parquetry/core/backend";
import type { DdlEngine } from "@parquetry/query";
import { type CommandContext, usageError } from "../command-context.ts";
import { type TypeFlags, withDatabase } from "./open-database.ts";

/** Flags of `parquetry ddl`. */
export type DdlFlags = TypeFlags & { readonly engine?: DdlEngine };

/** `parquetry ddl`: prints the statements with which another engine reads a table in place. */
export async function ddlCommand(context: CommandContext, flags: DdlFlags, name = ""): Promise<number> {
  const { engine } = flags;
  if (engine === undefined)
    throw usageError("--engine is missing. Give --engine trino, athena, spark or duckdb.");
  const { generateDdl } = await import("@parquetry/query");
  return await withDatabase(context, flags, async (db, storage) => {
    const signal = context.interrupt.abort;
    const table = await db.describe(name, { signal });
    const entity = parseKey(table.entity);
    const location = storage.backend.url(entity);
    const { walkPartitions } = await import("@parquetry/core/unstable/tables");
    const { folders } = await walkPartitions(storage.backend, entity, { signal });
    const partitions = folders.map(({ partition, prefix }) => ({
      values: table.keys.map(({ name: key }) => partition.get(key) ?? null),
      path: prefix.slice(entity.length + 1),
    }));
    const ddl = generateDdl(engine, table, location, { partitions });
    context.emit("summary", { exitCode: 0, engine, entity: table.entity, location, ddl });
    if (!context.json) context.terminal.print(ddl.trimEnd());
    return 0;
  });
}
