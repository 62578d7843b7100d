import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { StorageError } from "@parquetry/core/backend";
import type { PriceTable } from "../cost/price-table.ts";
import { PRICES_2026_10 } from "../cost/prices-2026-10.ts";
import { whyNot } from "../terminal/why-not.ts";
import type { CommandContext } from "./command-context.ts";

/**
 * The price table a flag names, or the built-in one.
 *
 * @throws StorageError `invalid_argument` where it cannot be read.
 */
export async function readPrices(
  context: Pick<CommandContext, "cwd">,
  file: string | undefined,
): Promise<PriceTable> {
  if (file === undefined) return PRICES_2026_10;
  const path = resolve(context.cwd, file);
  let json: string;
  try {
    json = await readFile(path, "utf8");
  } catch (error) {
    throw new StorageError({
      code: "invalid_argument",
      op: "config",
      message: `The price table ${path} cannot be read: ${whyNot(error)}.`,
    });
  }
  const { parsePriceTable } = await import("../cost/price-table.ts");
  return parsePriceTable(json, path);
}
