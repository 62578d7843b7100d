import { listEntities, type Storage } from "@parquetry/core";
import { type Command, Option } from "commander";
import type { OpenQueryOptions } from "../database/query-options.ts";
import { resolveTable } from "../tables/resolve-table.ts";
import { usage } from "./usage.ts";

/** Types that the caller gives on the command line, as `table.column=TYPE`. */
export interface TypeOptions {
  readonly columnType: readonly string[];
  readonly keyType: readonly string[];
}

/** Adds the options for them. */
export function addTypeOptions(command: Command): Command {
  return command
    .addOption(repeatable("--column-type <table.column=type>", "the type of a column (repeatable)"))
    .addOption(repeatable("--key-type <table.key=type>", "the type of a partition key (repeatable)"));
}

/**
 * What `openQuery` is to be given for them.
 *
 * @throws StorageError `invalid_argument` for one that is not so; as {@link resolveTable} for its table.
 */
export async function declaredTypes(
  { columnType, keyType }: TypeOptions,
  { backend }: Storage,
): Promise<Pick<OpenQueryOptions, "columnTypes" | "hiveTypes">> {
  if (columnType.length + keyType.length === 0) return {};
  const entities = await listEntities(backend);
  const parse = (option: string, given: readonly string[]): Record<string, Record<string, string>> => {
    const types: Record<string, Record<string, string>> = {};
    for (const each of given) {
      const [, table, column, type] = /^([^.=]+)\.([^=]+)=(.+)$/.exec(each) ?? [];
      if (table === undefined || column === undefined || type === undefined)
        throw usage(`${option} ${each} is no table.column=TYPE`);
      const entity = resolveTable(table, entities);
      types[entity] = { ...types[entity], [column]: type };
    }
    return types;
  };
  return { columnTypes: parse("--column-type", columnType), hiveTypes: parse("--key-type", keyType) };
}

function repeatable(flags: string, description: string): Option {
  return new Option(flags, description)
    .argParser((value: string, before: readonly string[]) => [...before, value])
    .default([]);
}
