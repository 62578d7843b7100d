import type { StorageBackend } from "@parquetry/core";
import type { QueryExplanation } from "@parquetry/query";
import type { QueryRequests } from "../price.ts";

/** The requests that a planned query would make, or undefined where they are free. */
export function requestsOf(
  { tables, listRequests }: QueryExplanation,
  { name }: Pick<StorageBackend, "name">,
): QueryRequests | undefined {
  if (name === "local" || name === "memory") return undefined;
  let [reads, bytes] = [0, 0];
  for (const { files, filesCached = 0, bytes: inAll } of tables) {
    reads += files - filesCached;
    // Which of the files are cached is not known, so they count as being of average size.
    bytes += files === 0 ? 0 : Math.round((inAll * (files - filesCached)) / files);
  }
  return { lists: listRequests, reads, bytes };
}
