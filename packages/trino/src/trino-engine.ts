import type { StorageBackend } from "@parquetry/core";
import { isStorageError, StorageError } from "@parquetry/core/backend";
import { traced } from "@parquetry/core/unstable";
import {
  type ColumnBatch,
  deadlineOf,
  type EngineResult,
  type QueryExplanation,
  type QueryParameters,
  type QueryStats,
  quoteName,
  type SqlEngine,
  type SqlOptions,
  type TableDescription,
  untilDeadline,
} from "@parquetry/query/unstable";
import type { TrinoClient } from "./client/trino-client.ts";
import { type ExactPlan, exactPlan, type PlanContext } from "./plan/exact-plan.ts";
import { qualifiedName, TablePlaces } from "./plan/table-places.ts";
import type { TableName } from "./sql/shadow-tables.ts";

/** Limits of the queries. */
export interface QueryLimits {
  readonly maxQueryLength: number;
  readonly beyondQueryLength: "refuse" | "plain";
}

/** Runs SQL on a Trino cluster, over exactly the committed files of a storage. */
export class TrinoEngine implements SqlEngine {
  readonly #client: TrinoClient;
  readonly #backend: StorageBackend;
  readonly #limits: QueryLimits;
  readonly #places: TablePlaces;
  readonly #open = new Set<EngineResult>();

  constructor(client: TrinoClient, backend: StorageBackend, limits: QueryLimits) {
    this.#client = client;
    this.#backend = backend;
    this.#limits = limits;
    this.#places = new TablePlaces(client, backend);
  }

  open(
    _op: string,
    text: string,
    parameters: QueryParameters | undefined,
    options: SqlOptions,
  ): Promise<EngineResult> {
    return traced(
      "parquetry:query",
      () => ({ sql: text }),
      () => this.#run(text, parameters, options),
      (result) => result.stats(),
    );
  }

  async #run(
    text: string,
    parameters: QueryParameters | undefined,
    options: SqlOptions,
  ): Promise<EngineResult> {
    const started = performance.now();
    const deadline = deadlineOf(options);
    const { plan, planMs, result } = await untilDeadline(
      deadline,
      async (signal) => {
        const planned = await exactPlan(text, parameters, this.#contextOf({ ...options, signal }));
        const elapsed = performance.now() - started;
        options.onProgress?.({ phase: "running" });
        const { timestamps } = options;
        try {
          const opened = await this.#client.open(planned.sql, { parameters, signal, timestamps });
          return { plan: planned, planMs: elapsed, result: opened };
        } catch (error) {
          throw await explained(error, planned);
        }
      },
      (late) => late.result.close(),
    );
    let rowCount = 0;
    const opened: EngineResult = {
      columns: result.columns,
      stats: (): QueryStats => ({
        ...explanationOf(plan, planMs),
        rowCount,
        fetchedFiles: 0,
        fetchedBytes: 0,
        totalMs: performance.now() - started,
        cluster: { queryId: result.queryId, ...result.progress },
      }),
      batches: async function* (): AsyncGenerator<ColumnBatch> {
        const all = result.batches();
        try {
          for (;;) {
            const next = await untilDeadline(deadline, async () => {
              const batch = await all.next();
              // A file that has vanished may not have been read. While all are there, Trino has read them.
              if (batch.done === true && !(await plan.isUndisturbed())) throw disturbed();
              return batch;
            });
            if (next.done === true) return;
            rowCount += next.value.rowCount;
            yield next.value;
          }
        } catch (error) {
          throw await explained(error, plan);
        } finally {
          await opened.close();
        }
      },
      close: async () => {
        this.#open.delete(opened);
        await result.close();
      },
    };
    this.#open.add(opened);
    return opened;
  }

  explain(
    text: string,
    parameters: QueryParameters | undefined,
    options: SqlOptions,
  ): Promise<QueryExplanation> {
    const started = performance.now();
    return untilDeadline(deadlineOf(options), async (signal) => {
      const plan = await exactPlan(text, parameters, this.#contextOf({ ...options, signal }));
      return explanationOf(plan, performance.now() - started);
    });
  }

  async tables(signal: AbortSignal | undefined): Promise<readonly string[]> {
    const { catalog, schema } = this.#client;
    const rows = await this.#client.rows(`SHOW TABLES FROM ${quoteName(catalog)}.${quoteName(schema)}`, {
      signal,
    });
    return rows.map(([name]) => String(name));
  }

  async describe(table: string, signal: AbortSignal | undefined): Promise<TableDescription> {
    const { catalog, schema } = this.#client;
    const described = qualifiedName({ catalog, schema, table });
    const rows = await this.#client.rows(`DESCRIBE ${described}`, { signal });
    const columns = rows.map(([name, type, extra]) => ({
      name: String(name),
      type: String(type),
      isKey: extra === "partition key",
    }));
    const of = (isKey: boolean): { readonly name: string; readonly type: string }[] =>
      columns.filter((column) => column.isKey === isKey).map(({ name, type }) => ({ name, type }));
    const keys = of(true);
    // The declaration holds for every partition.
    const partitions =
      keys.length === 0 ? 1 : await this.#countPartitions({ catalog, schema, table }, signal);
    return {
      entity: table,
      keys,
      columns: of(false),
      looked: { partitions, of: partitions },
      hasCsv: false,
      unreadable: [],
    };
  }

  async #countPartitions(
    { catalog, schema, table }: TableName,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    const partitions = qualifiedName({ catalog, schema, table: `${table}$partitions` });
    return Number((await this.#client.rows(`SELECT count(*) FROM ${partitions}`, { signal }))[0]?.[0]);
  }

  refresh(): void {
    this.#places.forget();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((result) => result.close()));
  }

  #contextOf({ signal, onProgress }: SqlOptions): PlanContext {
    return {
      client: this.#client,
      backend: this.#backend,
      places: this.#places,
      ...this.#limits,
      signal,
      onListRequest: (listRequests) => onProgress?.({ phase: "planning", listRequests }),
    };
  }
}

function explanationOf(plan: ExactPlan, planMs: number): QueryExplanation {
  const { tables, listRequests, inexact } = plan;
  return { tables, listRequests, pruneMs: 0, planMs, ...(inexact === undefined ? {} : { inexact }) };
}

/** The error of a query: `conflict` where a writer has replaced files of it, which Trino reports in many ways. */
async function explained(error: unknown, plan: ExactPlan): Promise<unknown> {
  if (!isStorageError(error) || ["aborted", "timeout", "conflict"].includes(error.code)) return error;
  const mayBeDisturbed = error.storeCode?.startsWith("HIVE_") === true;
  return mayBeDisturbed && !(await plan.isUndisturbed().catch(() => true)) ? disturbed(error) : error;
}

function disturbed(cause?: unknown): StorageError {
  return new StorageError({
    code: "conflict",
    op: "sql",
    backend: "trino",
    retry: "safe",
    message:
      "sql: a writer replaced partitions while Trino read them, so rows may be missing. Run the query again.",
    cause,
  });
}
