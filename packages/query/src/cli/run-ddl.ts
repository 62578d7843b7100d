import { parseKey } from "@parquetry/core";
import { Command, Option } from "commander";
import { openQuery } from "../database/open-query.ts";
import { DDL_ENGINES, type DdlEngine, generateDdl } from "../ddl/generate-ddl.ts";
import { defaultCacheDirectory } from "../files/cache-directory.ts";
import { type GlobalOptions, parseWith } from "./command-line.ts";
import { loadEnvFile } from "./open-storage.ts";
import { writeText } from "./output.ts";
import { type CliContext, report } from "./run-cli.ts";
import { addTypeOptions, declaredTypes, type TypeOptions } from "./type-options.ts";

interface DdlLine extends GlobalOptions, TypeOptions {
  readonly engine: DdlEngine;
}

/** Runs `parquetry-query ddl`: the statement by which another engine sees an entity as a table. */
export async function runDdl(context: CliContext): Promise<number> {
  const command = new Command("parquetry-query ddl")
    .description("Print the statement by which another engine reads an entity where it lies.")
    .argument("<entity>", "such as raw/plays")
    .addOption(
      new Option("-e, --engine <engine>", "who will read it").choices(DDL_ENGINES).makeOptionMandatory(),
    );
  const code = parseWith(addTypeOptions(command), context.argv.slice(1), {
    out: (text) => context.stdout.write(text),
    err: (text) => context.stderr.write(text),
  });
  if (code !== undefined) return code;
  const line = command.opts<DdlLine>();
  try {
    await loadEnvFile(line.envFile, context.env);
    await using storage = await context.openStorage(context.env, line.envPrefix);
    await using db = await openQuery(storage, {
      cacheDirectory: defaultCacheDirectory(context.env),
      ...(await declaredTypes(line, storage)),
    });
    const table = await db.describe(command.args[0] ?? "", context);
    const location = storage.backend.url(parseKey(table.entity));
    await writeText(context.stdout, [generateDdl(line.engine, table, location)]);
    return 0;
  } catch (error) {
    return report(context, line, error);
  }
}
