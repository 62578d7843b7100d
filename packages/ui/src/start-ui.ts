import { randomBytes } from "node:crypto";
import type { Server } from "node:http";
import { fileURLToPath } from "node:url";
import { serve } from "@hono/node-server";
import { StorageError } from "@parquetry/core";
import { checkArgument, checkBackend, checkOptions } from "@parquetry/core/unstable";
import { Comparing } from "./data/comparing.ts";
import { Place } from "./data/place.ts";
import { QueryRuns } from "./data/query-runs.ts";
import { createApp } from "./server/app.ts";
import { readPage } from "./server/page-files.ts";
import { DATABASE, STORAGE, type StartUiOptions, UI_OPTIONS } from "./start-options.ts";

/** A page that is served. */
export interface Ui extends AsyncDisposable {
  /** The address to open, with the token that lets a browser in. */
  readonly url: string;
  /** Stops the server, the listing and all queries, and deletes temporary results. */
  close(): Promise<void>;
}

/**
 * Serves a read-only page of a storage on 127.0.0.1: its tables, partitions, files, schemas, and SQL. Listing starts at once.
 *
 * @throws StorageError `unavailable` if the port is taken; `invalid_argument` for an argument of the wrong kind.
 * @example
 * ```ts
 * await using storage = await openStorage("./data");
 * await using database = await openQuery(storage);
 * await using ui = await startUi({ storage, database });
 * console.log(`Open ${ui.url}`);
 * ```
 */
export async function startUi(options: StartUiOptions): Promise<Ui> {
  checkOptions(options, UI_OPTIONS, "startUi");
  const { storage, database, port } = options;
  checkArgument(storage, STORAGE, "storage", "startUi");
  checkBackend(storage.backend, "storage.backend", "startUi");
  checkArgument(database, DATABASE, "database", "startUi");
  const token = randomBytes(24).toString("base64url");
  const place = new Place(storage);
  const comparing = options.comparison && new Comparing(options.comparison);
  const queries = new QueryRuns(database);
  let host = "";
  const app = createApp({
    host: () => host,
    token,
    nonce: randomBytes(16).toString("base64"),
    place,
    database,
    queries,
    comparing,
    runs: options.runs,
    priceOf: options.priceOf,
    page: readPage(fileURLToPath(PAGE)),
  });
  let server: Server;
  try {
    server = await (port === undefined
      ? listen(app.fetch, USUAL_PORT).catch(() => listen(app.fetch, 0))
      : listen(app.fetch, port));
  } catch (error) {
    await Promise.all([place.close(), comparing?.close()]);
    throw error;
  }
  const address = server.address();
  host = `127.0.0.1:${typeof address === "object" ? address?.port : USUAL_PORT}`;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await queries.close();
    await Promise.all([place.close(), comparing?.close()]);
  };
  return { url: `http://${host}/?token=${token}`, close, [Symbol.asyncDispose]: close };
}

/** The built page, also if this module runs from its source. */
const PAGE = new URL(import.meta.url.endsWith(".ts") ? "../dist/page" : "./page", import.meta.url);

/** The port where a browser finds again what it keeps for an origin. */
const USUAL_PORT = 4923;

/** When a client that sends nothing more is cut off, in milliseconds, and how often that is checked. */
const SLOW_CLIENTS = { headersTimeout: 5000, requestTimeout: 20_000, connectionsCheckingInterval: 1000 };

function listen(fetch: (request: Request) => Response | Promise<Response>, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    // `serve` returns an HTTP/1 server, since no other is asked for.
    const server = serve({ fetch, hostname: "127.0.0.1", port, serverOptions: SLOW_CLIENTS }, () =>
      resolve(server),
    ) as Server;
    server.on("error", (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === "EADDRINUSE"
          ? `port ${port} is taken. Choose another by --port, or leave it out.`
          : `the server cannot listen on port ${port}: ${cause.message}`;
      reject(new StorageError({ code: "unavailable", op: "ui", message: `ui: ${why}`, cause }));
    });
  });
}
