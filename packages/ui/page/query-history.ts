import { signal } from "@preact/signals";

/** How many queries are kept for each place. */
const KEPT = 50;

/** The queries that were run over this place, newest first. The browser keeps them. */
export const queryHistory = signal<readonly string[]>([]);

const nameOf = (root: string): string => `parquetry history of ${root}`;

/** Reads the history of a place. */
export function loadHistory(root: string): void {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(nameOf(root)) ?? "[]");
    queryHistory.value = Array.isArray(kept) ? kept.filter((sql) => typeof sql === "string") : [];
  } catch {
    // A browser may refuse to keep anything, and what it kept may be damaged.
    queryHistory.value = [];
  }
}

/** Adds a query to the history of a place. */
export function remember(root: string, sql: string): void {
  queryHistory.value = [sql, ...queryHistory.value.filter((old) => old !== sql)].slice(0, KEPT);
  try {
    localStorage.setItem(nameOf(root), JSON.stringify(queryHistory.value));
  } catch {
    // It is full, or switched off: the history lasts as long as the page.
  }
}
