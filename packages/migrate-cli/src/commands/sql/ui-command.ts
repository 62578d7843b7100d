import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CommandContext } from "../command-context.ts";
import { EXIT_OK } from "../exit-codes.ts";
import { loadOptional } from "../load-optional.ts";
import { readStatuses, statusFolder } from "../status/read-statuses.ts";
import { withDatabase } from "./open-database.ts";

/** Flags of `parquetry ui`. */
export interface UiFlags {
  readonly open: boolean;
  readonly port?: number;
}

/** `parquetry ui [place]`: serves the page until Ctrl-C. */
export async function uiCommand(context: CommandContext, flags: UiFlags, place?: string): Promise<number> {
  const { startUi } = await loadOptional(context.command, "@parquetry/ui", () => import("@parquetry/ui"));
  const serve = async (
    database: Parameters<typeof startUi>[0]["database"],
    storage: Parameters<typeof startUi>[0]["storage"],
  ): Promise<void> => {
    await using ui = await startUi({
      storage,
      database,
      port: flags.port,
      runs: () => readStatuses(statusFolder(context.cacheFolder)),
    });
    context.emit("started", { url: ui.url });
    if (!context.json) {
      context.terminal.print(`${storage.backend.url()} at ${ui.url}`);
      context.note("Nothing is written. Ctrl-C stops the server.");
    }
    const opened = flags.open && context.stdout.isTTY === true ? await openBrowser(ui.url) : undefined;
    try {
      if (!context.interrupt.stop.aborted) await once(context.interrupt.stop, "abort");
    } finally {
      if (opened !== undefined) await rm(opened, { recursive: true, force: true });
    }
  };
  await withDatabase(context, {}, serve, { place });
  context.emit("summary", { exitCode: EXIT_OK });
  return EXIT_OK;
}

/**
 * Opens the browser on a temporary file that leads to the page: the address contains a token, and other users of the machine see
 * the arguments of a process.
 *
 * @returns the folder of the file, which the caller deletes.
 */
async function openBrowser(url: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "parquetry-open-"));
  const file = join(folder, "open.html");
  await writeFile(
    file,
    `<!doctype html><meta charset="utf-8"><title>Parquetry</title><meta http-equiv="refresh" content="0;url=${url}">`,
    { mode: 0o600 },
  );
  const [command, ...args]: readonly [string, ...string[]] =
    process.platform === "darwin"
      ? ["open", file]
      : process.platform === "win32"
        ? ["explorer", file]
        : ["xdg-open", file];
  // Without a browser, the address that was printed is all there is.
  spawn(command, args, { stdio: "ignore", detached: true })
    .on("error", () => {})
    .unref();
  return folder;
}
