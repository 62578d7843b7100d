import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type StorageBackend, StorageError } from "@parquetry/core/backend";
import type { QueryRequests, RequestPrice } from "@parquetry/ui";
import { estimateCost } from "../../cost/estimate-cost.ts";
import type { ProviderPrices } from "../../cost/price-table.ts";
import { PRICES_2026_10 } from "../../cost/prices-2026-10.ts";
import { type Provider, providerOf } from "../../cost/provider.ts";
import { checkEnds } from "../../plan/check-ends.ts";
import { openHashCache } from "../../proof/hash-cache.ts";
import { verifyMigration } from "../../verify/verify-migration.ts";
import { type CommandContext, usageError } from "../command-context.ts";
import { EXIT_OK } from "../exit-codes.ts";
import { openTarget } from "../open-places.ts";
import type { PlaceFlags } from "../selection-flags.ts";
import { readStatuses, statusFolder } from "../status/read-statuses.ts";
import type { CsvFlags } from "./csv-flags.ts";
import { type TypeFlags, withDatabase } from "./open-database.ts";

type StartUi = typeof import("@parquetry/ui").startUi;

/** Flags of `parquetry ui`. */
export interface UiFlags extends PlaceFlags, TypeFlags, CsvFlags {
  readonly open: boolean;
  readonly port?: number;
}

/** `parquetry ui [place]`: serves the page until Ctrl-C. With `--to`, a second place next to the first one. */
export async function uiCommand(context: CommandContext, flags: UiFlags, argument?: string): Promise<number> {
  if (flags.from !== undefined && argument !== undefined)
    throw usageError("the first place was given twice. Give it by --from, or without a flag.");
  const place = argument ?? flags.from;
  const { startUi } = await import("@parquetry/ui");
  const serve = async (
    database: Parameters<typeof startUi>[0]["database"],
    storage: Parameters<typeof startUi>[0]["storage"],
    target: StorageBackend | undefined,
  ): Promise<void> => {
    await using ui = await startUi({
      storage,
      database,
      comparison: target && comparisonOf(context, storage.backend, target),
      port: flags.port,
      priceOf: (requests) => priceOf(requests, providerOf(storage.backend)),
      runs: () => readStatuses(statusFolder(context.cacheFolder)),
    });
    context.emit("started", { url: ui.url });
    if (!context.json) {
      const next = target === undefined ? "" : ` next to ${target.url()}`;
      context.terminal.print(`${storage.backend.url()}${next} at ${ui.url}`);
      context.note("Nothing is written. Ctrl-C stops the server.");
    }
    const opened = flags.open && context.stdout.isTTY === true ? await openBrowser(ui.url) : undefined;
    try {
      if (!context.interrupt.stop.aborted) await once(context.interrupt.stop, "abort");
    } finally {
      if (opened !== undefined) await rm(opened, { recursive: true, force: true });
    }
  };
  // As in migrate and verify: without --from, a second place is compared with the local data root.
  const backend = flags.to !== undefined && place === undefined ? "local" : undefined;
  await withDatabase(
    context,
    flags,
    async (database, storage) => {
      if (flags.to === undefined) return serve(database, storage, undefined);
      const target = await openTarget(context, flags.to);
      try {
        await checkEnds(storage.backend, target, "ui");
        await serve(database, storage, target);
      } finally {
        await target.close();
      }
    },
    { place, backend },
  );
  context.emit("summary", { exitCode: EXIT_OK });
  return EXIT_OK;
}

/** What `verify` would report. Hashes of local files are kept, as it keeps them. */
function comparisonOf(
  context: CommandContext,
  source: StorageBackend,
  target: StorageBackend,
): NonNullable<Parameters<StartUi>[0]["comparison"]> {
  return {
    from: source.url(),
    to: target.url(),
    async run({ signal, onFile }) {
      const hashCache = openHashCache(join(context.cacheFolder, "file-md5"), context.warn);
      try {
        const found = await verifyMigration(source, target, {
          hashCache,
          signal,
          onProgress: (event) => {
            if (event.type === "judged") onFile(event);
          },
        });
        const unread = found.unreadable.length + found.unusableNames;
        found.close();
        if (unread > 0) throw incomplete(unread);
      } finally {
        hashCache.close();
      }
    },
  };
}

/** The price of requests, without the monthly free allowance: that of the account may be used up. */
function priceOf(
  { lists, reads, bytes }: QueryRequests,
  provider: Provider | undefined,
): RequestPrice | undefined {
  if (provider === undefined) return undefined;
  const prices = { ...PRICES_2026_10, [provider]: withoutAllowance(PRICES_2026_10[provider]) };
  const { pricesOf, ...costs } = estimateCost(
    { storedBytes: 0, writes: lists, reads, egressBytes: bytes },
    prices,
  );
  const { name, onceUsd } = costs[provider];
  return { usd: onceUsd, provider: name, pricesOf };
}

function withoutAllowance(prices: ProviderPrices): ProviderPrices {
  return { ...prices, free: { storageGbMonths: 0, writes: 0, reads: 0, egressGb: 0 }, roundsUp: false };
}

function incomplete(entries: number): StorageError {
  return new StorageError({
    code: "unavailable",
    op: "ui",
    message: `The comparison is not complete: ${entries} ${entries === 1 ? "entry" : "entries"} could not be read, or cannot be compared. parquetry verify names them.`,
  });
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
