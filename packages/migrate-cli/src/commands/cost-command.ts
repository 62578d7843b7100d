import {
  CLOUD_LIMITS,
  countGetRequests,
  countPutRequests,
  DIRECTORY_RANGE_BYTES,
  partSizeFor,
} from "../cost/count-requests.ts";
import { estimateCost } from "../cost/estimate-cost.ts";
import { likelyPartSizes } from "../proof/multipart-etag.ts";
import { formatBytes, formatFiles, formatUsd } from "../terminal/format-amount.ts";
import { formatTable } from "../terminal/format-table.ts";
import type { CommandContext } from "./command-context.ts";
import { type InventoryFlags, inventoryExitCode, takeInventory } from "./inventory-command.ts";
import { readPrices } from "./read-prices.ts";

/** Flags of `parquetry cost`. */
export type CostFlags = InventoryFlags & { readonly prices?: string };

/** `parquetry cost [place]`: estimates the cost of storing and moving a tree, on R2 and on S3. */
export async function costCommand(
  context: CommandContext,
  flags: CostFlags,
  place: string | undefined,
): Promise<number> {
  const prices = await readPrices(context, flags.prices);
  let [puts, gets] = [0, 0];
  const { url, inventory } = await takeInventory(context, flags, place, ({ sizeBytes, etag }) => {
    // The parts of an object in a bucket, or those that a file would be uploaded in.
    const [partSize = partSizeFor(sizeBytes, CLOUD_LIMITS)] = likelyPartSizes(etag, sizeBytes);
    puts += countPutRequests(sizeBytes, CLOUD_LIMITS);
    gets += countGetRequests(sizeBytes, partSize, DIRECTORY_RANGE_BYTES);
  });
  inventory.close();
  const { files, bytes } = inventory;
  const exitCode = inventoryExitCode(inventory);
  const lists = Math.max(1, Math.ceil(files / 1000));
  const keeping = estimateCost({ storedBytes: bytes }, prices);
  const upload = estimateCost({ storedBytes: 0, writes: puts + lists }, prices);
  const download = estimateCost({ storedBytes: 0, writes: lists, reads: gets, egressBytes: bytes }, prices);
  if (context.json) {
    context.emit("summary", {
      exitCode,
      place: url,
      files,
      bytes,
      unreadable: inventory.unreadable.length,
      pricesOf: prices.date,
      monthlyUsd: { r2: keeping.r2.monthlyUsd, s3: keeping.s3.monthlyUsd },
      requests: { put: puts, get: gets, list: lists },
      uploadOnceUsd: { r2: upload.r2.onceUsd, s3: upload.s3.onceUsd },
      downloadOnceUsd: { r2: download.r2.onceUsd, s3: download.s3.onceUsd },
    });
    return exitCode;
  }
  const { print, style, width } = context.terminal;
  print(`${formatFiles(files)}, ${formatBytes(bytes)} at ${url}`);
  print();
  const [head = "", ...rows] = formatTable(
    [
      [`prices of ${prices.date}`, keeping.r2.name, keeping.s3.name],
      ["storing, per month", formatUsd(keeping.r2.monthlyUsd), formatUsd(keeping.s3.monthlyUsd)],
      ["uploading, once", formatUsd(upload.r2.onceUsd), formatUsd(upload.s3.onceUsd)],
      ["reading everything, once", formatUsd(download.r2.onceUsd), formatUsd(download.s3.onceUsd)],
    ],
    width,
  );
  print(style("bold", head));
  for (const row of rows) print(row);
  context.note(
    "\nCounts one PUT and GET per file, more for files above 8 MiB, and one LIST per\n1,000 files, less the monthly free allowance.",
  );
  return exitCode;
}
