import { isStorageError, parsePrefix } from "@parquetry/core";
import { listObjects } from "@parquetry/core/backend";
import type { QueryDatabase } from "@parquetry/query";
import { type Context, Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { stream } from "hono/streaming";
import type { Explanation, FileList, Overview, TableCard, UnequalFiles } from "../answers.ts";
import type { Comparing } from "../data/comparing.ts";
import { countByPartition } from "../data/count-by-partition.ts";
import { describeFile } from "../data/describe-file.ts";
import { estimateCompaction } from "../data/estimate-compaction.ts";
import type { Place } from "../data/place.ts";
import type { QueryRuns } from "../data/query-runs.ts";
import { requestsOf } from "../data/requests-of.ts";
import type { TableSummary } from "../data/table-tree.ts";
import { writeDownload } from "../data/write-download.ts";
import { packPartitions } from "../map/packed-partitions.ts";
import type { PartitionTable } from "../map/partitions.ts";
import type { StartUiOptions } from "../start-options.ts";
import { type GuardOptions, guard } from "./guard.ts";
import type { PageFiles } from "./page-files.ts";

/** The most rows of one answer. */
const MAX_PAGE_ROWS = 5000;
/** Files of a partition that are listed. */
const MAX_FILES = 1000;

/** The objects that the handlers work on. */
export interface AppParts extends GuardOptions {
  readonly place: Place;
  readonly database: QueryDatabase;
  readonly queries: QueryRuns;
  readonly comparing: Comparing | undefined;
  readonly runs: StartUiOptions["runs"];
  readonly priceOf: StartUiOptions["priceOf"];
  readonly page: PageFiles;
}

/** The server as a function from a request to a response. */
export function createApp({
  place,
  database,
  queries,
  comparing,
  runs,
  priceOf,
  page,
  ...guarded
}: AppParts): Hono {
  const app = new Hono();
  app.use(guard(guarded));
  app.onError((error, context) => {
    if (error instanceof HTTPException) return context.json({ error: error.message }, error.status);
    if (!isStorageError(error))
      return context.json({ error: "The server failed. Its terminal shows why." }, 500);
    return context.json({ error: error.message, code: error.code }, error.code === "not_found" ? 404 : 400);
  });
  app.notFound((context) => context.json({ error: "There is no such page." }, 404));

  app.get("/", (context) => context.html(page.index(guarded.nonce)));
  app.get("/assets/:name", (context) => {
    const asset = page.asset(context.req.param("name"));
    if (asset === undefined) return context.notFound();
    context.header("Cache-Control", "max-age=31536000, immutable");
    return context.body(asset.body, 200, { "Content-Type": asset.type });
  });

  app.get("/api/tables", (context) => {
    const overview: Overview = {
      root: place.storage.backend.url(),
      isCompared: comparing !== undefined,
      hasRuns: runs !== undefined,
      listing: place.state,
      tables: [...place.tree.tables.values()].filter(({ files, strays }) => files + strays > 0).map(cardOf),
    };
    return context.json(overview);
  });
  app.get("/api/table", (context) => {
    const table = tableOf(context);
    return packed(context, table.partitions.table(table.entity, table.keys, place.state.isDone));
  });
  app.get("/api/files", async (context) => {
    const folder = context.req.query("folder") ?? "";
    const files: FileList["files"][number][] = [];
    let more = false;
    for await (const { key, sizeBytes, lastModified } of listObjects(place.storage.backend, {
      prefix: parsePrefix(folder),
      signal: context.req.raw.signal,
    })) {
      if (files.length === MAX_FILES) {
        more = true;
        break;
      }
      files.push({ key, sizeBytes, lastModified: lastModified.getTime() });
    }
    return context.json({ files, more } satisfies FileList);
  });
  app.get("/api/describe", async (context) =>
    context.json(
      await database.describe(context.req.query("name") ?? "", { signal: context.req.raw.signal }),
    ),
  );
  app.get("/api/drift", async (context) =>
    context.json(await place.inspect(tableOf(context), context.req.raw.signal)),
  );
  app.get("/api/file", async (context) =>
    context.json(
      await describeFile(place.storage, context.req.query("key") ?? "", { signal: context.req.raw.signal }),
    ),
  );
  app.get("/api/compaction", async (context) =>
    context.json(
      await estimateCompaction(database, context.req.query("name") ?? "", {
        signal: context.req.raw.signal,
      }),
    ),
  );
  app.get("/api/count", async (context) => {
    const table = tableOf(context);
    const column = context.req.query("column");
    return context.json(await countByPartition(database, table, column, { signal: context.req.raw.signal }));
  });
  app.post("/api/refresh", async (context) => {
    await Promise.all([place.refresh(), comparing?.refresh()]);
    database.refresh();
    return context.json({});
  });

  app.get("/api/comparison", (context) => context.json(compared().overview));
  app.get("/api/comparison/table", (context) => {
    const name = context.req.query("name") ?? "";
    const data = compared().table(name);
    if (data === undefined) throw missing("table", name);
    return packed(context, data);
  });
  app.get("/api/comparison/files", (context) =>
    context.json(compared().unequal(context.req.query("folder") ?? "", MAX_FILES) satisfies UnequalFiles),
  );
  app.get("/api/runs", async (context) => context.json((await runs?.()) ?? []));

  app.post("/api/explain", async (context) => {
    const { signal } = context.req.raw;
    const plan = await database.explain(await sqlOf(context.req), undefined, { signal });
    const requests = requestsOf(plan, place.storage.backend);
    return context.json({ ...plan, requests, price: requests && priceOf?.(requests) } satisfies Explanation);
  });
  app.post("/api/queries", async (context) => context.json(await queries.start(await sqlOf(context.req))));
  app.get("/api/queries/:id", (context) => context.json(runOf(context.req.param("id")).state));
  app.post("/api/queries/:id/stop", (context) => {
    runOf(context.req.param("id")).stop();
    return context.json({});
  });
  app.get("/api/queries/:id/rows", async (context) => {
    const [start, end] = [context.req.query("start"), context.req.query("end")].map(Number);
    if (start === undefined || end === undefined || !isRange(start, end))
      throw new HTTPException(400, {
        message: `start and end must be a range of at most ${MAX_PAGE_ROWS} rows.`,
      });
    const rows = await runOf(context.req.param("id")).read(start, end);
    return context.body(`[${rows.join(",\n")}]`, 200, { "Content-Type": "application/json" });
  });
  app.get("/api/queries/:id/summaries", async (context) =>
    context.json(await runOf(context.req.param("id")).summaries()),
  );
  app.get("/api/queries/:id/download", (context) => {
    const run = runOf(context.req.param("id"));
    const format = context.req.query("format");
    if (format !== "csv" && format !== "json" && format !== "parquet")
      throw new HTTPException(400, { message: "format must be csv, json or parquet." });
    context.header("Content-Disposition", `attachment; filename="result.${format}"`);
    context.header("Content-Type", "application/octet-stream");
    return stream(context, (out) => writeDownload(format, run, database, out));
  });
  return app;

  function tableOf(context: Context): TableSummary {
    const name = context.req.query("name") ?? "";
    const table = place.tree.tables.get(name);
    if (table === undefined) throw missing("table", name);
    return table;
  }

  function compared(): Comparing {
    if (comparing === undefined) throw new HTTPException(404, { message: "No second place is compared." });
    return comparing;
  }

  function runOf(id: string): NonNullable<ReturnType<QueryRuns["find"]>> {
    const run = queries.find(id);
    if (run === undefined) throw missing("result", id);
    return run;
  }
}

/** Partitions as bytes: as JSON, a million of them take 72 MB. */
function packed<Name extends string>(context: Context, table: PartitionTable<Name>): Response {
  return context.body(packPartitions(table), 200, { "Content-Type": "application/octet-stream" });
}

function cardOf({ partitions, csvBytes: _, report, ...table }: TableSummary): TableCard {
  return {
    ...table,
    partitions: partitions.size,
    rows: report?.rows,
    drifting: report?.columns.length,
    unreadable: report?.unreadable.length,
  };
}

function isRange(start: number, end: number): boolean {
  const areRows = Number.isSafeInteger(start) && Number.isSafeInteger(end);
  return areRows && start >= 0 && end >= start && end - start <= MAX_PAGE_ROWS;
}

function missing(kind: string, name: string | undefined): HTTPException {
  return new HTTPException(404, {
    message: `There is no ${kind} ${JSON.stringify(name ?? "")}. Reload the page.`,
  });
}

async function sqlOf(request: { json(): Promise<unknown> }): Promise<string> {
  const body = await request.json().catch(() => undefined);
  const sql = typeof body === "object" && body !== null ? Reflect.get(body, "sql") : undefined;
  if (typeof sql !== "string") throw new HTTPException(400, { message: 'The body must be {"sql": "…"}.' });
  return sql;
}
