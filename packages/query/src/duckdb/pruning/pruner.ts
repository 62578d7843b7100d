import { createHash } from "node:crypto";
import type { DuckDBConnection } from "@duckdb/node-api";
import { isStorageError, type PartitionEntry } from "@parquetry/core";
import { mapYielding } from "../../files/map-yielding.ts";
import { quoteName, quoteText } from "../../statement/quote.ts";
import { isNode, type SqlNode } from "../../statement/sql-tree.ts";
import type { Statement } from "../../statement/statement.ts";
import type { Database } from "../database.ts";
import type { CallOptions, PruneResult } from "../duckdb.ts";
import { serializedProblem, thrownProblem } from "../duckdb-error.ts";
import { createViews } from "../views/create-views.ts";
import type { CandidateTable, QueryColumn } from "../views/scan-table.ts";
import type { Scratch } from "../views/scratch.ts";
import { hiveColumn } from "../views/scratch.ts";
import { candidateView, emptySelect } from "../views/table-view.ts";
import { commonNames, keptBy, meetConditions } from "./meet-conditions.ts";
import { filterKeysOf, markerColumn, readPlan } from "./read-plan.ts";
import { scanFilterSql } from "./scan-filters.ts";

/**
 * Optimisers that are off while partitions are chosen. Some would conclude from the zero rows of the stand-in files that there is
 * nothing to do; the others cost time and decide nothing about files (docs/decisions/0005).
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

/** From this many candidates on, the optimiser sees only those that the filters of its first plan leave. */
const MANY_CANDIDATES = 200;
/** The number of plans whose filters are remembered. */
const MAX_PLANS = 256;

/** Types of errors that the query itself would raise as well, whatever files there are. */
const QUERY_ERRORS: ReadonlySet<string> = new Set(["Binder", "Catalog", "Parser"]);

/**
 * Chooses partitions with DuckDB's own optimiser: the query is planned over zero-row files in place of the candidates, and the
 * plan lists the files that remain. If anything goes wrong, every candidate is kept.
 */
export class Pruner {
  readonly #database: Database;
  readonly #scratch: Scratch;
  readonly #emptyFiles = new Map<string, Promise<string>>();
  /** By {@link planName}, the filters of each scan of the table. */
  readonly #pushed = new Map<string, readonly ReadonlyMap<string, SqlNode>[]>();

  constructor(database: Database, scratch: Scratch) {
    this.#database = database;
    this.#scratch = scratch;
  }

  /** Returns which candidates a query can need. */
  async prune(
    statement: Statement,
    tables: readonly CandidateTable[],
    options: CallOptions = {},
  ): Promise<PruneResult> {
    try {
      return await this.#database.withConnection(
        (connection) => this.#prune(connection, statement, tables),
        options,
      );
    } catch (error) {
      if (isStorageError(error, "aborted")) throw error;
      return { outcome: "unknown", reason: thrownProblem(error).message };
    }
  }

  async #prune(
    connection: DuckDBConnection,
    statement: Statement,
    tables: readonly CandidateTable[],
  ): Promise<PruneResult> {
    const { narrowed, met } = await this.#narrow(connection, statement, tables);
    if (met !== undefined) return met;
    const result = await this.#plan(
      connection,
      statement,
      narrowed.map(({ table }) => table),
    );
    if (result.outcome !== "pruned") return result;
    const kept = new Map(
      narrowed.map(({ table, spread }) => [table.entity, spread(result.kept.get(table.entity) ?? [])]),
    );
    return { ...result, kept };
  }

  async #plan(
    connection: DuckDBConnection,
    statement: Statement,
    tables: readonly CandidateTable[],
  ): Promise<PruneResult> {
    const paths = new Map<CandidateTable, readonly string[]>();
    for (const [i, table] of tables.entries()) {
      paths.set(table, await this.#createView(connection, table, i, statement.text));
    }
    const answer = await serializePlan(connection, statement.text);
    const problem = serializedProblem(answer, statement.text);
    if (problem !== undefined) {
      return QUERY_ERRORS.has(problem.type)
        ? { outcome: "invalid", problem }
        : { outcome: "unknown", reason: problem.message };
    }
    const facts = readPlan(answer["plans"]);
    const kept = new Map<string, readonly boolean[]>();
    const filterKeys = new Map<string, ReadonlySet<string>>();
    const unused = new Set<string>();
    for (const [table, candidatePaths] of paths) {
      if (table.candidates === undefined) {
        this.#remember(planName(statement, table), facts.scanFilters.get(markerColumn(table.entity)) ?? []);
      }
      filterKeys.set(table.entity, filterKeysOf(table, facts));
      const scanned = facts.scans.get(markerColumn(table.entity));
      // A scan that is missing without an empty part was changed in a way that is not understood here.
      const understood = scanned !== undefined || facts.hasEmptyPart;
      if (understood && scanned === undefined) unused.add(table.entity);
      kept.set(
        table.entity,
        candidatePaths.map((path) => !understood || scanned?.has(path) === true),
      );
    }
    return { outcome: "pruned", kept, filterKeys, unused };
  }

  /** Drops the candidates that fail a condition: cheaper than planning over all of them, and sufficient if nothing else filters. */
  async #narrow(
    connection: DuckDBConnection,
    statement: Statement,
    tables: readonly CandidateTable[],
  ): Promise<{ readonly narrowed: readonly Narrowed[]; readonly met?: PruneResult }> {
    const narrowed: Narrowed[] = [];
    for (const table of tables) {
      const { candidates = [], entity } = table;
      const found = statement.conditions && (await meetConditions(connection, statement, table, candidates));
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
          : await this.#meetPushed(connection, statement, first.table, left);
      const second = only(first.table, pushed);
      narrowed.push({ table: second.table, spread: (kept) => first.spread(second.spread(kept)) });
    }
    return { narrowed };
  }

  /** Evaluates the filters that the optimiser pushed into the table's scans when no partitions were known. */
  async #meetPushed(
    connection: DuckDBConnection,
    statement: Statement,
    table: CandidateTable,
    candidates: readonly (readonly PartitionEntry[])[],
  ): Promise<readonly boolean[] | undefined> {
    const names = commonNames(table, candidates);
    const scans = this.#pushed.get(planName(statement, table)) ?? [];
    if (names === undefined || scans.length === 0) return undefined;
    const conditions = scans.map((filters) =>
      names.flatMap((name) => {
        const index = table.keys.findIndex((key) => key.name === name);
        return scanFilterSql(filters.get(hiveColumn(index)), quoteName(name)) ?? [];
      }),
    );
    // A scan without a filter needs every candidate.
    if (conditions.some((some) => some.length === 0)) return undefined;
    const condition = conditions.map((some) => `(${some.join(" AND ")})`).join(" OR ");
    return keptBy(connection, condition, statement.text, table.keys, names, candidates);
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
    sql: string,
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
    await createViews(connection, [candidateView(table, hiveKeys, [...new Set(paths)], index, sql)]);
    return candidates === undefined || candidates.length === 0 ? [] : paths;
  }

  /** A zero-row file with the table's columns, and with its keys as columns for the levels that are not known yet. */
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
  /** Turns a decision about the remaining candidates into one about all. */
  readonly spread: (kept: readonly boolean[]) => readonly boolean[];
}

/** The table with only some of its candidates. */
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

/** A name for everything that a plan depends on, except the candidates. */
function planName({ text }: Statement, { entity, columns, keys }: CandidateTable): string {
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
  return isNode(answer) ? answer : { error: true };
}

/** The keys that every candidate has: DuckDB can tell candidates apart by these only. */
function commonKeys(
  keys: readonly string[],
  candidates: readonly (readonly (readonly [string, string | null])[])[],
): readonly string[] {
  const seen = new Map<string, number>();
  for (const entries of candidates) for (const [key] of entries) seen.set(key, (seen.get(key) ?? 0) + 1);
  return keys.filter((key) => seen.get(key) === candidates.length);
}
