import { unpackPartitions } from "../src/map/packed-partitions.ts";
import type { PartitionTable } from "../src/map/partitions.ts";

/** Asks the server. Throws an Error with its message. */
export async function ask<T>(path: string, init?: RequestInit): Promise<T> {
  return (await answerTo(path, init)).json();
}

/** Asks the server for the partitions of a table. */
export async function askPartitions<Name extends string>(path: string): Promise<PartitionTable<Name>> {
  return unpackPartitions(await (await answerTo(path)).arrayBuffer());
}

async function answerTo(path: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(path, init).catch(() => {
    throw new Error("The server does not answer. Start parquetry ui again.");
  });
  if (!response.ok) {
    const body = await response.json().catch(() => ({}));
    throw new Error(body.error ?? `The server answered ${response.status}.`);
  }
  return response;
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
