import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { invalid } from "@parquetry/core/unstable";
import type { CallOptions } from "./duckdb.ts";
import { isInvalidated } from "./duckdb-error.ts";
import { interruptible } from "./interruptible.ts";

/** How often something is run again because another query has invalidated its database. */
const MAX_ATTEMPTS = 5;

/**
 * A DuckDB database that is opened again after an internal failure: from then on DuckDB refuses every statement in it, over good
 * files too. Results that are already in memory stay readable.
 */
export class Database {
  readonly #open: (generation: number) => Promise<DuckDBInstance>;
  #instance: Promise<DuckDBInstance>;
  #generation = 0;
  #isSuspect = false;
  #isClosed = false;
  readonly #connecting = new Set<Promise<DuckDBConnection>>();
  readonly #instances = new WeakMap<DuckDBConnection, DuckDBInstance>();

  private constructor(open: (generation: number) => Promise<DuckDBInstance>, instance: DuckDBInstance) {
    this.#open = open;
    this.#instance = Promise.resolve(instance);
  }

  /** @param open opens an empty database; it is called again after each internal failure. */
  static async create(open: (generation: number) => Promise<DuckDBInstance>): Promise<Database> {
    return new Database(open, await open(0));
  }

  /**
   * Connects to the database, which is opened again if it has become unusable.
   *
   * @throws StorageError `invalid_argument` if it is closed.
   */
  async connect(): Promise<DuckDBConnection> {
    this.#checkOpen();
    if (this.#isSuspect) {
      this.#isSuspect = false;
      this.#instance = this.#instance.then((instance) => this.#usable(instance));
    }
    const instance = await this.#instance;
    this.#checkOpen();
    const connecting = instance.connect();
    this.#connecting.add(connecting);
    try {
      const connection = await connecting;
      this.#instances.set(connection, instance);
      return connection;
    } finally {
      this.#connecting.delete(connecting);
    }
  }

  /**
   * Runs something on a connection, and interrupts it when the signal fires. DuckDB cannot interrupt a statement that it is parsing or
   * planning: if one does not stop, the next connection is to a new database. The old one stays until its statements have ended.
   */
  interruptible<T>(connection: DuckDBConnection, options: CallOptions, run: () => Promise<T>): Promise<T> {
    return interruptible(connection, options, run, () => this.#abandon(connection));
  }

  /** Declares that a statement has failed: the next connection checks whether the database is still usable. */
  suspect(): void {
    this.#isSuspect = true;
  }

  /** Runs something on a new connection, and closes it. The signal interrupts it. */
  async withConnection<T>(
    run: (connection: DuckDBConnection) => Promise<T>,
    options: CallOptions = {},
  ): Promise<T> {
    return retryInvalidated(async () => {
      const connection = await this.connect();
      try {
        return await this.interruptible(connection, options, () => run(connection));
      } catch (error) {
        this.suspect();
        throw error;
      } finally {
        connection.closeSync();
      }
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const instance = await this.#instance;
    // A thread of DuckDB may be using the instance that is closed.
    await Promise.allSettled(this.#connecting);
    instance.closeSync();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw invalid("sql", "the database is closed");
  }

  #abandon(connection: DuckDBConnection): void {
    const abandoned = this.#instances.get(connection);
    this.#instance = this.#instance.then(async (instance) => {
      if (instance !== abandoned) return instance;
      const opened = await this.#open(++this.#generation).catch(() => undefined);
      if (opened !== undefined) instance.closeSync();
      return opened ?? instance;
    });
  }

  async #usable(instance: DuckDBInstance): Promise<DuckDBInstance> {
    const connection = await instance.connect();
    try {
      await connection.run("SELECT 1");
      return instance;
    } catch {
      const opened = await this.#open(++this.#generation).catch((error: unknown) => {
        this.suspect();
        throw error;
      });
      instance.closeSync();
      return opened;
    } finally {
      connection.closeSync();
    }
  }
}

/** Runs something again that failed only because another query had invalidated the database. */
export async function retryInvalidated<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !isInvalidated(error)) throw error;
    }
  }
}
