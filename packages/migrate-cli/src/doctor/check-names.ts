import type { StorageBackend } from "@parquetry/core/backend";
import { listSide } from "../listing/list-side.ts";
import { isLost } from "../plan/list-ends.ts";
import { compileSelection } from "../select/selection.ts";
import { hashKey } from "../select/shard.ts";
import type { Check } from "./check.ts";

/** How many names a check lists. */
const NAMED = 10;

/** Options of {@link checkNames}. */
export interface CheckNamesOptions {
  /** Stops listing. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of objects listed so far. */
  readonly onProgress?: ((objects: number) => void) | undefined;
}

/**
 * Checks a tree for names that collide or cannot round-trip: names that differ only in case or Unicode form, names that R2
 * would change, and names that cannot be keys. It lists the tree once, and again only if names collide.
 *
 * @throws StorageError if the tree cannot be listed.
 */
export async function checkNames(
  backend: StorageBackend,
  options: CheckNamesOptions = {},
): Promise<readonly Check[]> {
  const { signal, onProgress } = options;
  const { judge, mayHold } = compileSelection();
  const unusable = new NamedCount();
  const unreadable = new NamedCount();
  const others = new NamedCount();
  const decomposed = new NamedCount();
  const seen = new Set<number>();
  const twice = new Set<number>();
  let listed = 0;

  const files = (): ReturnType<typeof listSide> => listSide(backend, { signal, onUnreadable: () => {} });
  const first = listSide(backend, {
    signal,
    onPage: (objects) => {
      listed += objects;
      onProgress?.(listed);
    },
    onUnreadable: ({ path, error }) => {
      if (mayHold(path)) unreadable.add(`${path} (${error.code})`);
    },
    onSkipped: (entry) => (isLost(entry) ? unusable : others).add(`${entry.path} (${entry.detail})`),
  });
  for await (const { key } of first) {
    if (judge(key) !== "selected") continue;
    if (key.normalize("NFC") !== key) decomposed.add(key);
    const folded = hashKey(fold(key));
    if (seen.has(folded)) twice.add(folded);
    seen.add(folded);
  }

  const groups = new Map<string, string[]>();
  if (twice.size > 0) {
    for await (const { key } of files()) {
      const name = fold(key);
      if (!twice.has(hashKey(name)) || judge(key) !== "selected") continue;
      groups.set(name, [...(groups.get(name) ?? []), key]);
    }
  }
  const collisions = new NamedCount();
  for (const names of groups.values()) if (names.length > 1) collisions.add(names.join(" and "));

  const checks: Check[] = [
    {
      name: "names: case and Unicode form",
      ...verdict(collisions, "warn", "collide", `no two of ${listed} names collide`),
      remedy: "Rename all but one: macOS and Windows keep only one of them.",
    },
    {
      name: "names: composed (NFC)",
      ...verdict(decomposed, "warn", "not composed", "R2 keeps all names"),
      remedy: "Rename them to their composed form: R2 would change them, so a migration to R2 refuses them.",
    },
    {
      name: "names: usable",
      ...verdict(unusable, "fail", "unusable", "every file has a name that S3 and R2 accept"),
      remedy: "Rename or remove them: they cannot be migrated.",
    },
  ];
  if (unreadable.count > 0) {
    checks.unshift({
      name: "folders: readable",
      ...verdict(unreadable, "fail", "unreadable"),
      remedy: "Let this user read them (owner, mode, mount options), or leave them out by --exclude.",
    });
  }
  if (others.count > 0) {
    checks.push({
      name: "links, sockets and other entries",
      ...verdict(others, "warn", "not migrated"),
      remedy: "If a link points to data that belongs to the tree, replace it by the data.",
    });
  }
  return checks.map(({ remedy, ...check }) => (check.status === "ok" ? check : { ...check, remedy }));
}

/** The result of a check of names, which passes if there are none. */
function verdict(
  names: NamedCount,
  status: "warn" | "fail",
  problem: string,
  detail = "",
): Pick<Check, "status" | "detail"> {
  return names.count === 0 ? { status: "ok", detail } : { status, detail: names.describe(problem) };
}

function fold(key: string): string {
  return key.normalize("NFC").toLowerCase();
}

/** Counts names and keeps the first {@link NAMED}. */
export class NamedCount {
  count = 0;
  readonly #names: string[] = [];

  add(name: string): void {
    this.count++;
    if (this.#names.length < NAMED) this.#names.push(name);
  }

  describe(what: string): string {
    const more = this.count - this.#names.length;
    return `${this.count} ${what}: ${this.#names.join(", ")}${more > 0 ? `, and ${more} more` : ""}`;
  }
}
