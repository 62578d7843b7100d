import { mapConcurrent } from "../bytes/concurrency/map-concurrent.ts";
import type { Key, Prefix } from "../bytes/key.ts";
import type {
  ListOptions,
  ObjectInfo,
  OperationOptions,
  StorageBackend,
  UnreadableEntry,
} from "../bytes/storage-backend.ts";
import { StorageError } from "../bytes/storage-error.ts";
import { suggest } from "../bytes/suggest.ts";
import { parsePartitionSegment } from "../hive/partition.ts";
import { dataFormat, isHiddenName } from "./data-file.ts";
import { LIST_CONCURRENCY } from "./partition-tree.ts";

/** How many levels below the prefix are searched for entities. */
const MAX_ENTITY_DEPTH = 8;

/** Options of {@link Storage.listEntities}. */
export interface ListEntitiesOptions extends OperationOptions {
  /**
   * Called for each folder that cannot be read and is left out, such as `lost+found`. Default: it is left out without a
   * report.
   */
  readonly onUnreadableFolder?: ListOptions["onUnreadable"];
}

/**
 * Returns the entities below a prefix: the outermost folders with `key=value` folders in them, and all other folders that
 * hold data files directly. An unreadable `key=value` folder makes the folder that holds it an entity, too.
 *
 * @returns the sorted keys, such as `raw/games`, `raw/plays`.
 * @example
 * ```ts
 * for (const entity of await listEntities(backend)) console.log(entity);
 * ```
 */
export async function listEntities(
  backend: StorageBackend,
  options: ListEntitiesOptions & { readonly prefix?: Prefix | undefined } = {},
): Promise<readonly Key[]> {
  const entities = new Set<Key>();
  const unreadable = new Set<string>();
  // A folder is met again at each level above it.
  const onUnreadable = (entry: UnreadableEntry): void => {
    if (unreadable.has(entry.path)) return;
    unreadable.add(entry.path);
    options.onUnreadableFolder?.(entry);
  };
  let open: readonly Prefix[] = [options.prefix ?? ""];
  for (let depth = 0; depth < MAX_ENTITY_DEPTH && open.length > 0; depth++) {
    const levels = await mapConcurrent(open, LIST_CONCURRENCY, async (prefix) => {
      const below: Key[] = [];
      let hasData = false;
      for await (const page of backend.list({
        prefix,
        delimiter: "/",
        signal: options.signal,
        onUnreadable,
      })) {
        const base = prefix === "" ? 0 : prefix.length + 1;
        const partitioned = page.prefixes.some(
          (child) => parsePartitionSegment(child.slice(base)) !== undefined,
        );
        if (prefix !== "" && partitioned) return { entity: prefix, below: [] };
        hasData ||= page.objects.some(({ key }) => dataFormat(key.slice(base)) !== undefined);
        below.push(
          ...page.prefixes.filter(
            (child) => !isHiddenName(child.slice(base)) && !child.slice(base).includes("="),
          ),
        );
      }
      // A stray file next to tables makes its folder a table too, and does not hide the tables below.
      return { entity: prefix === "" || !hasData ? undefined : prefix, below };
    });
    open = levels.flatMap((level) => {
      if (level.entity !== undefined) entities.add(level.entity);
      return level.below;
    });
  }
  for (const path of unreadable) {
    const segments = path.split("/");
    const depth = segments.findIndex((segment) => parsePartitionSegment(segment) !== undefined);
    // The part of a key before a slash is a key.
    if (depth > 0) entities.add(segments.slice(0, depth).join("/") as Key);
  }
  return [...entities].sort();
}

/**
 * Returns the error of an entity that does not exist, or has no data file at the place of one; it names those that exist. A
 * writer may have created the entity since the caller listed it.
 *
 * @param strays what the caller found that is not in a partition.
 * @example
 * ```ts
 * throw await unknownEntity(backend, "gmaes", "readIndex"); // no entity gmaes in … Did you mean games? There are games, plays.
 * ```
 */
export async function unknownEntity(
  backend: StorageBackend,
  entity: string,
  op: string,
  strays: readonly ObjectInfo[] = [],
): Promise<StorageError> {
  return new StorageError({
    code: "not_found",
    op,
    path: entity,
    backend: backend.name,
    message: `${op}: ${await whyNoRows(backend, entity, strays)}`,
  });
}

async function whyNoRows(
  backend: StorageBackend,
  entity: string,
  strays: readonly ObjectInfo[],
): Promise<string> {
  const place = backend.url();
  if (strays.some(({ key }) => dataFormat(key.slice(key.lastIndexOf("/") + 1)) !== undefined))
    return `${entity} in ${place} has data files, but none of them is in a partition, so none is read. parquetry doctor names them.`;
  const known = await listEntities(backend);
  return known.some((name) => name === entity)
    ? `no entity ${entity} in ${place}: no data file was found in its partitions. A first write may be under way.`
    : `no entity ${entity} in ${place}. ${nearby(entity, known)}.`;
}

function nearby(entity: string, known: readonly Key[]): string {
  if (known.length === 0) return "The root holds no entity; check that it is the right one";
  const meant = suggest(entity, known);
  const hint = meant === undefined ? "" : `Did you mean ${meant}? `;
  const more = known.length > 12 ? `, … (${known.length} in all)` : "";
  return `${hint}There ${known.length === 1 ? "is" : "are"} ${known.slice(0, 12).join(", ")}${more}`;
}
