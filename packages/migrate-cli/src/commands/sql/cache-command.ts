import { formatBytes, formatFiles } from "../../terminal/format-amount.ts";
import type { CommandContext } from "../command-context.ts";

/** `parquetry cache`: shows where downloaded files are kept and how large they are, or removes them. */
export async function cacheCommand(
  context: CommandContext,
  { clear = false }: { readonly clear?: boolean },
): Promise<number> {
  const { clearCache, inspectCache } = await import("@parquetry/query");
  const directory = context.cacheFolder;
  const { files, bytes } = await inspectCache(directory);
  if (clear) await clearCache(directory);
  context.emit("summary", { exitCode: 0, directory, files, bytes, cleared: clear });
  if (!context.json)
    context.terminal.print(
      `${directory}: ${clear ? "removed " : ""}${formatFiles(files)}, ${formatBytes(bytes)}`,
    );
  return 0;
}
