import { isStorageError, type StorageError } from "@parquetry/core/backend";
import type { Registration } from "@parquetry/trino";
import { formatCount, formatCounted } from "../../terminal/format-amount.ts";
import { type CommandContext, usageError } from "../command-context.ts";
import { EXIT_INCOMPLETE, EXIT_OK } from "../exit-codes.ts";
import { NAMES_TOLD } from "../name-lists.ts";
import { type TypeFlags, withDatabase } from "./open-database.ts";
import { openTrino } from "./open-trino.ts";

/** Flags of `parquetry register`. */
export type RegisterFlags = TypeFlags & {
  readonly engine?: "trino";
  readonly dryRun?: boolean;
  readonly check?: boolean;
};

/**
 * `parquetry register [table…]`: creates the tables on a cluster and keeps their partitions in step. Exit code 1 if the cluster does
 * not read everything, or counts other rows.
 */
export async function registerCommand(
  context: CommandContext,
  flags: RegisterFlags,
  ...tables: readonly string[]
): Promise<number> {
  const { engine, dryRun = false, check = false } = flags;
  if (engine === undefined) throw usageError("--engine is missing. Give --engine trino.");
  const { registerTable } = await import("@parquetry/trino");
  const client = await openTrino(context);
  const signal = context.interrupt.abort;
  // A missing cluster or catalog is reported once here, instead of once for each table.
  await client.rows("SHOW SCHEMAS", { signal });
  return await withDatabase(context, flags, async (db, storage) => {
    const registered: Registration[] = [];
    const failed: { readonly table: string; readonly error: StorageError }[] = [];
    for (const table of tables.length === 0 ? await db.tables({ signal }) : tables) {
      try {
        const description = await db.describe(table, { signal });
        const done = await registerTable(client, storage.backend, description, { dryRun, check, signal });
        registered.push(done);
        if (!context.json) tell(context, done, dryRun, check);
      } catch (error) {
        // With one table, there is nothing else to do.
        if (!isStorageError(error) || error.code === "aborted" || tables.length === 1) throw error;
        failed.push({ table, error });
        context.terminal.tell(`${context.terminal.mark("red", "failed:")} ${table}: ${error.message}`);
      }
    }
    const isWhole = registered.every((one) => one.problems.length + one.differences.length === 0);
    const exitCode = isWhole && failed.length === 0 ? EXIT_OK : EXIT_INCOMPLETE;
    context.emit("summary", { exitCode, engine, dryRun, check, tables: registered, failed });
    return exitCode;
  });
}

function tell(
  { note, terminal, warn }: CommandContext,
  { entity, table, created, added, removed, unchanged, problems, notes, differences }: Registration,
  dryRun: boolean,
  check: boolean,
): void {
  const would = dryRun ? "would be " : "";
  const what = [
    ...(created ? [`table ${table} ${would}created`] : []),
    `${formatCounted(added.length, "partition")} ${would}added`,
    `${formatCount(removed.length)} ${would}removed`,
    `${formatCount(unchanged)} unchanged`,
  ];
  terminal.printText(`${entity}: ${what.join(", ")}`);
  for (const each of notes) note(`${entity}: ${each}`);
  for (const problem of problems) warn(`${entity}: ${problem}`);
  for (const { partition, committed, counted } of differences.slice(0, NAMES_TOLD))
    terminal.printText(
      `${entity}/${partition}: ${formatCounted(committed, "row")} committed, ${formatCount(counted)} on the cluster`,
    );
  if (differences.length > NAMES_TOLD)
    terminal.printText(`and ${formatCount(differences.length - NAMES_TOLD)} more; --json lists them all`);
  if (check && problems.length + differences.length === 0)
    terminal.printText(`${entity}: the cluster counts the committed rows of every partition`);
}
