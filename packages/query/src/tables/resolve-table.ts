import { type Key, StorageError } from "@parquetry/core";
import { checkArgument, suggest } from "@parquetry/core/unstable";

/** The most names that an error lists. */
const MAX_LISTED = 12;

/**
 * Finds the entity that a table name in SQL means: its whole name, or its last segments where these fit only one entity. Case
 * matters only where it decides between two.
 *
 * @throws StorageError `not_found` with a suggestion and the existing tables; `invalid_argument` naming the candidates where the
 * name fits several.
 * @example
 * ```ts
 * resolveTable("plays", ["raw/games", "raw/plays"]); // "raw/plays"
 * ```
 */
export function resolveTable(name: string, entities: readonly Key[]): Key {
  checkArgument(name, "string", "name", "resolveTable");
  checkArgument(entities, "strings", "entities", "resolveTable");
  const wanted = name.toLowerCase();
  const tail = `/${wanted}`;
  const rules: readonly ((entity: Key) => boolean)[] = [
    (entity) => entity === name,
    (entity) => entity.toLowerCase() === wanted,
    (entity) => entity.endsWith(`/${name}`),
    (entity) => entity.toLowerCase().endsWith(tail),
  ];
  for (const rule of rules) {
    const matching = entities.filter(rule);
    const [only] = matching;
    if (only !== undefined && matching.length === 1) return only;
    if (matching.length > 1) throw ambiguous(name, matching);
  }
  throw unknown(name, entities);
}

function ambiguous(name: string, candidates: readonly Key[]): StorageError {
  const quoted = candidates.map((candidate) => `"${candidate}"`);
  return new StorageError({
    code: "invalid_argument",
    op: "sql",
    path: name,
    message: `sql: the table ${name} is ambiguous: ${quoted.join(" or ")}. Write the whole name in double quotes.`,
  });
}

function unknown(name: string, entities: readonly Key[]): StorageError {
  const names = entities.flatMap((entity) => [entity, entity.slice(entity.lastIndexOf("/") + 1)]);
  const meant = suggest(name, names);
  const listed = entities.slice(0, MAX_LISTED).map((entity) => `"${entity}"`);
  const more = entities.length > MAX_LISTED ? `, … (${entities.length} in all)` : "";
  const there =
    entities.length === 0
      ? "The storage has no tables"
      : `There ${entities.length === 1 ? "is" : "are"} ${listed.join(", ")}${more}`;
  return new StorageError({
    code: "not_found",
    op: "sql",
    path: name,
    message: `sql: there is no table ${JSON.stringify(name)}.${meant === undefined ? "" : ` Did you mean ${meant.includes("/") ? `"${meant}"` : meant}?`} ${there}.`,
  });
}
