/** The answers of the server, as `src/server/app.ts` sends them. */

export interface TableCard {
  readonly entity: string;
  readonly keys: readonly string[];
  readonly partitions: number;
  readonly files: number;
  readonly bytes: number;
  readonly newest: number;
  readonly smallFiles: number;
  readonly strays: number;
  readonly strayExamples: readonly string[];
  readonly sizes: readonly number[];
}

export interface Overview {
  readonly root: string;
  readonly listing: { readonly isDone: boolean; readonly objects: number; readonly error?: string };
  readonly tables: readonly TableCard[];
}

export interface TableData {
  readonly entity: string;
  readonly keys: readonly string[];
  readonly isDone: boolean;
  /** The folder of each partition, below the entity. */
  readonly folders: readonly string[];
  readonly values: readonly (readonly (string | null)[])[];
  readonly files: readonly number[];
  readonly bytes: readonly number[];
  readonly newest: readonly number[];
  readonly small: readonly number[];
}

export interface Counts {
  readonly values: readonly (readonly (string | null)[])[];
  readonly rows: readonly number[];
  readonly nulls?: readonly number[];
}

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly source?: string;
  readonly problem?: string;
}

export interface Description {
  readonly keys: readonly Column[];
  readonly columns: readonly Column[];
  readonly looked: { readonly partitions: number; readonly of: number };
}

export interface FileList {
  readonly files: readonly {
    readonly key: string;
    readonly sizeBytes: number;
    readonly lastModified: number;
  }[];
  readonly more: boolean;
}

export interface TouchedTable {
  readonly table: string;
  readonly entity: string;
  readonly partitions: number;
  readonly files: number;
  readonly bytes: number;
  readonly filesCached?: number;
  readonly folders?: readonly string[];
}

export interface Explanation {
  readonly tables: readonly TouchedTable[];
  readonly listRequests: number;
  readonly unpruned?: string;
}

export interface RunState {
  readonly id: string;
  readonly sql: string;
  readonly state: "running" | "done" | "failed" | "stopped";
  readonly columns: readonly Column[];
  readonly rows: number;
  readonly isCut: boolean;
  readonly elapsedMs: number;
  readonly progress?: {
    readonly phase: string;
    readonly files?: number;
    readonly totalFiles?: number;
  };
  readonly stats?: Explanation;
  readonly error?: string;
}

/** Asks the server. Throws an Error with its message. */
export async function ask<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(path, init).catch(() => {
    throw new Error("The server does not answer. Start parquetry ui again.");
  });
  if (!response.ok) {
    const body = await response.json().catch(() => ({}));
    throw new Error(body.error ?? `The server answered ${response.status}.`);
  }
  return response.json();
}

export function post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });
}

/** A path with a query string. */
export const query = (path: string, parameters: Record<string, string>): string =>
  `${path}?${new URLSearchParams(parameters)}`;
