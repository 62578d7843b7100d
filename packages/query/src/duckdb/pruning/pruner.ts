import { createHash } from "node:crypto";
import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { isStorageError, type PartitionEntry } from "@parquetry/core";
import { mapYielding } from "../../files/map-yielding.ts";
import { quoteName, quoteText } from "../../statement/quote.ts";
import { isNode, type SqlNode } from "../../statement/sql-tree.ts";
import type { CallOptions, CandidateTable, PreparedQuery, PruneResult, QueryColumn } from "../duckdb.ts";
import { duckDbError, serializedError } from "../duckdb-error.ts";
import { interruptible } from "../interruptible.ts";
import { createViews } from "../views/create-views.ts";
import { hiveColumn } from "../views/hive-column.ts";
import type { Scratch } from "../views/scratch.ts";
import { candidateView, emptySelect } from "../views/table-view.ts";
import { commonNames, keptBy, meetConditions } from "./meet-conditions.ts";
import { filterKeysOf, markerColumn, readPlan } from "./read-plan.ts";
import { scanFilterSql } from "./scan-filters.ts";

/**
 * Optimisers that are off while partitions are chosen. Some conclude from the zero rows of our stand-in files that there
 * is nothing to do, the others reshape plans at a cost and decide nothing about files (docs/decisions/0005).
 */
export const PLANNING_DISABLED_OPTIMIZERS: string = [
  "statistics_propagation",
  "late_materialization",
  "top_n_window_elimination",
  "unused_columns",
  "column_lifetime",
  "top_n",
  "join_order",
  "build_side_probe_side",
  "compressed_materialization",
  "common_subplan",
  "window_self_join",
  "join_elimination",
  "join_filter_pushdown",
  "reorder_filter",
  "sum_rewriter",
  "sampling_pushdown",
  "limit_pushdown",
].join(",");

/** From so many on, the optimiser is asked only about those that the filters of its first plan leave. */
const MANY_CANDIDATES = 200;
/** Plans whose filters are remembered: those of the queries that run. */
const MAX_PLANS = 256;

/** Errors that the query itself would raise too, whatever files there are. */
const QUERY_ERRORS: ReadonlySet<string> = new Set(["binder", "catalog", "parser"]);

/**
 * Chooses partitions by DuckDB's own optimiser: the query is planned over zero-row files at the candidates' places, and
 * the plan lists the files that are left. Whatever goes wrong, every candidate is kept.
 */
export class Pruner {
  readonly #instance: DuckDBInstance;
  readonly #scratch: Scratch;
  readonly #emptyFiles = new Map<string, Promise<string>>();
  /** By {@link planName}, for each scan of the table the filters in it. */
  readonly #pushed = new Map<string, readonly ReadonlyMap<string, SqlNode>[]>();

  constructor(instance: DuckDBInstance, scratch: Scratch) {
    this.#instance = instance;
    this.#scratch = scratch;
  }

  /** Says which candidates a query can need. */
  async prune(
    query: PreparedQuery,
    tables: readonly CandidateTable[],
    options: CallOptions = {},
  ): Promise<PruneResult> {
    const connection = await this.#instance.connect();
    try {
      const { narrowed, met } = await this.#narrow(connection, query, tables);
      if (met !== undefined) return met;
      const result = await this.#plan(
        connection,
        query,
        narrowed.map(({ table }) => table),
        options,
      );
      if (result.outcome !== "pruned") return result;
      const kept = new Map(
        narrowed.map(({ table, spread }) => [table.entity, spread(result.kept.get(table.entity) ?? [])]),
      );
      return { ...result, kept };
    } catch (error) {
      if (isStorageError(error, "aborted")) throw error;
      return { outcome: "unknown", reason: duckDbError(error, "plan").message };
    } finally {
      connection.closeSync();
    }
  }

  async #plan(
    connection: DuckDBConnection,
    query: PreparedQuery,
    tables: readonly CandidateTable[],
    options: CallOptions,
  ): Promise<PruneResult> {
    const paths = new Map<CandidateTable, readonly string[]>();
    for (const [i, table] of tables.entries()) {
      paths.set(table, await this.#createView(connection, table, i));
    }
    const answer = await interruptible(connection, options, () => serializePlan(connection, query.text));
    if (answer["error"] === true) {
      const { type, error, column } = serializedError(answer, query.text);
      return QUERY_ERRORS.has(type)
        ? { outcome: "invalid", error, column }
        : { outcome: "unknown", reason: error.message };
    }
    const facts = readPlan(answer["plans"]);
    const kept = new Map<string, readonly boolean[]>();
    const filterKeys = new Map<string, ReadonlySet<string>>();
    const unused = new Set<string>();
    for (const [table, candidatePaths] of paths) {
      if (table.candidates === undefined) {
        this.#remember(planName(query, table), facts.scanFilters.get(markerColumn(table.entity)) ?? []);
      }
      filterKeys.set(table.entity, filterKeysOf(table, facts));
      const scanned = facts.scans.get(markerColumn(table.entity));
      // A scan that is gone without a trace is one that we do not understand.
      const understood = scanned !== undefined || facts.hasEmptyPart;
      if (understood && scanned === undefined) unused.add(table.entity);
      kept.set(
        table.entity,
        candidatePaths.map((path) => !understood || scanned?.has(path) === true),
      );
    }
    return { outcome: "pruned", kept, filterKeys, unused };
  }

  /** Drops the candidates that fail a condition: cheaper than planning over all, and enough where nothing else filters. */
  async #narrow(
    connection: DuckDBConnection,
    query: PreparedQuery,
    tables: readonly CandidateTable[],
  ): Promise<{ readonly narrowed: readonly Narrowed[]; readonly met?: PruneResult }> {
    const narrowed: Narrowed[] = [];
    for (const table of tables) {
      const { candidates = [], entity } = table;
      const found =
        query.conditions && (await meetConditions(connection, query.conditions, table, candidates));
      if (found?.isAll === true) {
        const kept = new Map([[entity, found.kept]]);
        return {
          narrowed: [],
          met: { outcome: "pruned", kept, filterKeys: new Map(), unused: new Set() },
        };
      }
      const first = only(table, found?.kept);
      const left = first.table.candidates ?? [];
      const pushed =
        left.length < MANY_CANDIDATES
          ? undefined
          : await this.#meetPushed(connection, query, first.table, left);
      const second = only(first.table, pushed);
      narrowed.push({ table: second.table, spread: (kept) => first.spread(second.spread(kept)) });
    }
    return { narrowed };
  }

  /** By the filters that the optimiser has pushed into the table's scans when nothing was known of its partitions. */
  async #meetPushed(
    connection: DuckDBConnection,
    query: PreparedQuery,
    table: CandidateTable,
    candidates: readonly (readonly PartitionEntry[])[],
  ): Promise<readonly boolean[] | undefined> {
    const names = commonNames(table, candidates);
    const scans = this.#pushed.get(planName(query, table)) ?? [];
    if (names === undefined || scans.length === 0) return undefined;
    const conditions = scans.map((filters) =>
      names.flatMap((name) => {
        const index = table.keys.findIndex((key) => key.name === name);
        return scanFilterSql(filters.get(hiveColumn(index)), quoteName(name)) ?? [];
      }),
    );
    // What any scan needs is needed.
    if (conditions.some((some) => some.length === 0)) return undefined;
    const condition = conditions.map((some) => `(${some.join(" AND ")})`).join(" OR ");
    return keptBy(connection, condition, table.keys, names, candidates);
  }

  #remember(name: string, scans: readonly ReadonlyMap<string, SqlNode>[]): void {
    this.#pushed.delete(name);
    this.#pushed.set(name, scans);
    const [oldest] = this.#pushed.keys();
    if (this.#pushed.size > MAX_PLANS && oldest !== undefined) this.#pushed.delete(oldest);
  }

  async #createView(
    connection: DuckDBConnection,
    table: CandidateTable,
    index: number,
  ): Promise<readonly string[]> {
    const names = table.keys.map(({ name }) => name);
    const { candidates } = table;
    const common = candidates === undefined ? [] : commonKeys(names, candidates);
    const file = await this.#emptyFile(connection, table);
    const hiveKeys = table.keys.filter(({ name }) => common.includes(name));
    const paths =
      candidates === undefined || candidates.length === 0
        ? [this.#scratch.emptyFile(file)]
        : await mapYielding(candidates, (entries) =>
            this.#scratch.emptyHivePath(
              names,
              entries.filter(([key]) => common.includes(key)),
              file,
            ),
          );
    await createViews(connection, [candidateView(table, hiveKeys, [...new Set(paths)], index)]);
    return candidates === undefined || candidates.length === 0 ? [] : paths;
  }

  /** A zero-row file with the table's columns, and its keys as columns for the levels where they are not known yet. */
  #emptyFile(connection: DuckDBConnection, table: CandidateTable): Promise<string> {
    const keys: QueryColumn[] = table.keys.map(({ type }, i) => ({ name: hiveColumn(i), type }));
    const marker: QueryColumn = { name: markerColumn(table.entity), type: "BOOLEAN" };
    const select = emptySelect([...table.columns, ...keys, marker]);
    const file = `${createHash("sha256").update(select).digest("hex").slice(0, 32)}.parquet`;
    let made = this.#emptyFiles.get(file);
    if (made === undefined) {
      made = connection
        .run(`COPY (${select}) TO ${quoteText(this.#scratch.emptyFile(file))} (FORMAT parquet)`)
        .then(() => file);
      this.#emptyFiles.set(file, made);
    }
    return made;
  }
}

interface Narrowed {
  readonly table: CandidateTable;
  /** Says for all candidates what was said for those that are left. */
  readonly spread: (kept: readonly boolean[]) => readonly boolean[];
}

interface Narrowed {
  readonly table: CandidateTable;
  /** Says for all candidates what was said for those that are left. */
  readonly spread: (kept: readonly boolean[]) => readonly boolean[];
}

/** A table with only some of its candidates. */
function only(table: CandidateTable, kept: readonly boolean[] | undefined): Narrowed {
  if (kept === undefined) return { table, spread: (all) => all };
  return {
    table: { ...table, candidates: table.candidates?.filter((_, i) => kept[i]) },
    spread: (keptOfLeft) => {
      let at = 0;
      return kept.map((isLeft) => isLeft && keptOfLeft[at++] === true);
    },
  };
}

/** Names what a plan was made of, but for the candidates. */
function planName({ text }: PreparedQuery, { entity, columns, keys }: CandidateTable): string {
  return JSON.stringify([text, entity, columns, keys]);
}

async function serializePlan(
  connection: DuckDBConnection,
  sql: string,
): Promise<Readonly<Record<string, unknown>>> {
  const result = await connection.run("SELECT json_serialize_plan($1::VARCHAR, optimize := true)", [sql]);
  const [row] = await result.getRows();
  const text = row?.[0];
  const answer: unknown = typeof text === "string" ? JSON.parse(text) : undefined;
  return isNode(answer) ? answer : { error: true, error_type: "unknown", error_message: "no plan" };
}

/** The keys that every candidate has: only by these can DuckDB tell them apart. */
function commonKeys(
  keys: readonly string[],
  candidates: readonly (readonly (readonly [string, string | null])[])[],
): readonly string[] {
  const seen = new Map<string, number>();
  for (const entries of candidates) for (const [key] of entries) seen.set(key, (seen.get(key) ?? 0) + 1);
  return keys.filter((key) => seen.get(key) === candidates.length);
}
