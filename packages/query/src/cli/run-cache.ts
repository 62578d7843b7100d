import { Command } from "commander";
import { defaultCacheDirectory } from "../files/cache-directory.ts";
import { FileCache } from "../files/file-cache.ts";
import { type GlobalOptions, parseWith } from "./command-line.ts";
import { counted, formatBytes } from "./draw-explanation.ts";
import { loadEnvFile } from "./open-storage.ts";
import { writeText } from "./output.ts";
import { type CliContext, report } from "./run-cli.ts";

interface CacheLine extends GlobalOptions {
  readonly clear: boolean;
}

/** Runs `parquetry-query cache`: shows where fetched files are kept and how much that is, or removes them. */
export async function runCache(context: CliContext): Promise<number> {
  const command = new Command("parquetry-query cache")
    .description("Show how much of remote stores is kept on this machine, or remove it.")
    .option("--clear", "remove everything; what is needed again is fetched again", false);
  const code = parseWith(command, context.argv.slice(1), {
    out: (text) => context.stdout.write(text),
    err: (text) => context.stderr.write(text),
  });
  if (code !== undefined) return code;
  const line = command.opts<CacheLine>();
  try {
    await loadEnvFile(line.envFile, context.env);
    const directory = defaultCacheDirectory(context.env);
    const cache = await FileCache.open(directory);
    const { files, bytes } = await cache.size();
    if (line.clear) await cache.clear();
    const said = `${line.clear ? "removed " : ""}${counted(files, "file")}, ${formatBytes(bytes)}`;
    const shown = line.json
      ? JSON.stringify({ directory, files, bytes, cleared: line.clear })
      : `${directory}: ${said}`;
    await writeText(context.stdout, [`${shown}\n`]);
    return 0;
  } catch (error) {
    return report(context, line, error);
  }
}
