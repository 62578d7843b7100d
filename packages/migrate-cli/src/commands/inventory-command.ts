import { StorageError } from "@parquetry/core/backend";
import { type Inventory, type InventoryOptions, inventory } from "../inventory/inventory.ts";
import { formatBytes, formatCount, formatFiles } from "../terminal/format-amount.ts";
import { formatTable } from "../terminal/format-table.ts";
import type { CommandContext } from "./command-context.ts";
import { describeLeftOut } from "./describe-plan.ts";
import { EXIT_INCOMPLETE, EXIT_OK } from "./exit-codes.ts";
import { tellUnreadable } from "./name-lists.ts";
import { openSource, openTarget } from "./open-places.ts";
import { filtersOf, requireSelection, tellUnmatched } from "./require-selection.ts";
import { type PlaceFlags, type SelectionFlags, selectionOf } from "./selection-flags.ts";

/** Flags of `parquetry inventory`. */
export type InventoryFlags = SelectionFlags & PlaceFlags;

/** `parquetry inventory [place]`: counts what a tree holds. */
export async function inventoryCommand(
  context: CommandContext,
  flags: InventoryFlags,
  place: string | undefined,
): Promise<number> {
  const found = await takeInventory(context, flags, place);
  try {
    const { files, bytes, folders, entities, formats, leftOut, skippedEntries, unreadable } = found.inventory;
    const exitCode = inventoryExitCode(found.inventory);
    if (context.json) {
      for await (const entry of skippedEntries) context.emit("skipped", { ...entry });
      const skipped = skippedEntries.length;
      context.emit("summary", {
        exitCode,
        place: found.url,
        files,
        bytes,
        folders,
        entities,
        formats,
        leftOut,
        skippedEntries: skipped,
        unreadable: unreadable.length,
      });
      return exitCode;
    }
    const { print, style } = context.terminal;
    const table = (rows: readonly (readonly string[])[]): void => {
      if (rows.length === 1) return;
      const [head = "", ...lines] = formatTable(rows, context.terminal.width);
      print();
      print(style("bold", head));
      for (const line of lines) print(line);
    };
    print(`${formatFiles(files)}, ${formatBytes(bytes)} at ${found.url}`);
    const counts = ({ name, files, bytes }: Inventory["folders"][number]): string[] => [
      name,
      formatCount(files),
      formatBytes(bytes),
    ];
    table([["folder", "files", "bytes"], ...folders.map(counts)]);
    table([
      ["entity", "files", "bytes", "partitions", "by"],
      ...entities.map((entity) => [
        ...counts(entity),
        entity.partitions === 0 ? "-" : formatCount(entity.partitions),
        entity.keys.join("/") || "-",
      ]),
    ]);
    table([["format", "files", "bytes"], ...formats.map(counts)]);
    const left = describeLeftOut(leftOut);
    if (left !== "") context.note(`\nLeft out: ${left}`);
    for (const { path, detail } of skippedEntries.first(20)) context.warn(`${path}: ${detail}`);
    if (skippedEntries.length > 20)
      context.warn(`and ${formatCount(skippedEntries.length - 20)} more like these`);
    return exitCode;
  } finally {
    found.inventory.close();
  }
}

/** 1 if some files are not counted: those of unreadable folders, and those without a usable name. */
export function inventoryExitCode({ unreadable, unusableNames }: Inventory): number {
  return unreadable.length + unusableNames === 0 ? EXIT_OK : EXIT_INCOMPLETE;
}

/** Opens a place, counts its files, reports unreadable folders, and closes it. */
export async function takeInventory(
  context: CommandContext,
  flags: InventoryFlags,
  place: string | undefined,
  onFile?: InventoryOptions["onFile"],
): Promise<{ readonly url: string; readonly inventory: Inventory }> {
  const { terminal, interrupt, quiet, json, command } = context;
  if ([place, flags.from, flags.to].filter((given) => given !== undefined).length > 1)
    throw new StorageError({
      code: "invalid_argument",
      op: "config",
      message: `parquetry ${command} takes one place: parquetry ${command} PLACE, or --from or --to.`,
    });
  const backend =
    flags.to !== undefined
      ? await openTarget(context, flags.to)
      : await openSource(context, place ?? flags.from);
  try {
    const url = backend.url();
    const found = await inventory(backend, {
      ...selectionOf(flags),
      signal: interrupt.abort,
      onFile,
      onProgress: (objects) => {
        if (!quiet && !json) terminal.status(`listing: ${formatFiles(objects)}`);
      },
    });
    terminal.status("");
    tellUnmatched(context, found);
    // An empty place is a valid result; filters that match nothing are most likely misspelt.
    if (filtersOf(flags).length > 0 && found.unreadable.length === 0)
      requireSelection(flags, { url, files: found.files });
    terminal.status("");
    await tellUnreadable(context, found.unreadable);
    return { url, inventory: found };
  } finally {
    terminal.status("");
    await backend.close();
  }
}
