import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { StorageError } from "@parquetry/core";
import type { ObjectAccess } from "@parquetry/core/unstable";
import { endpointHost, objectUrl } from "../files/object-url.ts";
import { quoteText } from "../statement/quote.ts";
import type { Database } from "./database.ts";
import { thrownProblem } from "./duckdb-error.ts";
import { withConnection } from "./with-connection.ts";

const SECRET_NAME = "parquetry_store";

/**
 * Loads the extension, before the database is locked.
 *
 * @throws StorageError `not_supported` where none is built for this version of DuckDB.
 */
export async function loadHttpfs(instance: DuckDBInstance, extension: string | undefined): Promise<void> {
  try {
    await withConnection(instance, async (connection) => {
      await connection.run(`LOAD ${extension === undefined ? "httpfs" : quoteText(extension)}`);
      // Secrets that the user has stored for DuckDB are not for these queries.
      await connection.run("SET GLOBAL allow_persistent_secrets = false");
    });
  } catch (error) {
    const { type, message } = thrownProblem(error);
    const [problem = ""] = message.split("\n");
    throw new StorageError({
      code: "not_supported",
      op: "openQuery",
      storeCode: type,
      message: `openQuery: cannot load DuckDB's extension httpfs: ${problem} Pass its file as httpfsExtension, or remove remote: "httpfs".`,
    });
  }
}

/** The store's credentials in DuckDB. No message contains them, and DuckDB shows no secret unredacted. */
export class StoreSecret {
  #known = "";
  #statement: string | undefined;
  #hidden: readonly string[] = [];

  /**
   * Replaces the credentials.
   *
   * @throws StorageError `not_supported` for an endpoint that httpfs cannot reach.
   */
  async set(database: Database, access: ObjectAccess): Promise<void> {
    const known = JSON.stringify(access);
    if (known === this.#known) return;
    const { region, endpoint, isPathStyle, credentials } = access;
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    const place = endpoint === undefined ? undefined : endpointHost(endpoint);
    const options = [
      "TYPE s3",
      `KEY_ID ${quoteText(accessKeyId)}`,
      `SECRET ${quoteText(secretAccessKey)}`,
      ...(sessionToken === undefined ? [] : [`SESSION_TOKEN ${quoteText(sessionToken)}`]),
      `REGION ${quoteText(region)}`,
      `URL_STYLE '${isPathStyle ? "path" : "vhost"}'`,
      ...(place === undefined ? [] : [`ENDPOINT ${quoteText(place.host)}`, `USE_SSL ${place.isSecure}`]),
      `SCOPE ${quoteText(objectUrl(access, ""))}`,
    ];
    this.#hidden = [accessKeyId, secretAccessKey, ...(sessionToken === undefined ? [] : [sessionToken])];
    try {
      const statement = `CREATE OR REPLACE SECRET ${SECRET_NAME} (${options.join(", ")})`;
      await database.withConnection((connection) => connection.run(statement));
      this.#statement = statement;
      this.#known = known;
    } catch {
      // DuckDB's message may repeat the statement, which contains the credentials.
      throw new StorageError({
        code: "invalid_argument",
        op: "openQuery",
        message: "openQuery: DuckDB refuses the store's credentials.",
      });
    }
  }

  /** Passes the credentials to a database that was opened again. */
  async restore(connection: DuckDBConnection): Promise<void> {
    if (this.#statement !== undefined) await connection.run(this.#statement);
  }

  /** Removes the credentials from a message. */
  redact(text: string): string {
    let redacted = text;
    for (const secret of this.#hidden) if (secret !== "") redacted = redacted.replaceAll(secret, "…");
    return redacted;
  }
}
