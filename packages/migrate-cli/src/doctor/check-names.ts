import type { Key, StorageBackend } from "@parquetry/core/backend";
import { listSide } from "../listing/list-side.ts";
import { isLost } from "../plan/list-ends.ts";
import { createNameChecker } from "../plan/name-checker.ts";
import { HashSet } from "../select/hash-set.ts";
import { compileSelection } from "../select/selection.ts";
import { hashKey } from "../select/shard.ts";
import { visibleName } from "../terminal/terminal.ts";
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
 * would change, that no directory can hold, or none of Windows, that hold control characters, and names that cannot be keys. It
 * lists the tree once, and again only if names collide.
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
  const notFiles = new NamedCount();
  const notOnWindows = new NamedCount();
  const control = new NamedCount();
  const explainDisk = createNameChecker({
    keyNormalization: "none",
    hierarchicalKeys: true,
    maxKeyBytes: Number.POSITIVE_INFINITY,
  });
  const seen = new HashSet();
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
    const problem = explainDisk(key);
    if (problem !== undefined) notFiles.add(key, problem.split(", ")[0]);
    if (NOT_ON_WINDOWS.test(key)) notOnWindows.add(key);
    if (/\p{Cc}/u.test(key)) control.add(key);
    if (key.normalize("NFC") !== key) decomposed.add(key);
    const folded = hashKey(fold(key));
    if (!seen.add(folded)) twice.add(folded);
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

  const local = backend.name === "local";
  const move = (name: string): string => {
    // It was listed under this key.
    const path = backend.url(name as Key).replace(/^r2:/, "s3:");
    return local
      ? `mv ${quoted(path)} NEW_NAME`
      : `aws s3 mv ${quoted(path)} ${quoted(path.replace(/[^/]*$/, "NEW_NAME"))}`;
  };
  const checks: Check[] = [
    {
      name: "names: case and Unicode form",
      ...verdict(collisions, "warn", "collide", `no two of ${listed} names collide`),
      remedy: `Rename all but one (${local ? "mv" : "aws s3 mv"} OLD NEW): macOS and Windows keep only one of them.`,
    },
    {
      name: "names: composed (NFC)",
      ...verdict(decomposed, "warn", "not composed", "R2 keeps all names"),
      remedy: `Rename them to their composed form${local ? ` (convmv -f utf8 -t utf8 --nfc -r --notest ${quoted(backend.url())})` : " (aws s3 mv OLD NEW)"}: R2 would change them, so a migration to R2 refuses them.`,
    },
    {
      name: "names: usable",
      ...verdict(unusable, "fail", "unusable", "every file has a name that S3 and R2 accept"),
      remedy: `Rename or remove them: they cannot be migrated. ${local ? "mv OLD NEW" : "aws s3 mv OLD NEW"}, or, to leave them behind, parquetry migrate --exclude NAME.`,
    },
  ];
  const warn = (
    name: string,
    names: NamedCount,
    problem: string,
    remedy: (first: string) => string,
  ): void => {
    const [first] = names.first;
    if (first === undefined) return;
    checks.push({ name, ...verdict(names, "warn", problem), remedy: remedy(first) });
  };
  warn(
    "names: files of a directory",
    notFiles,
    "cannot be files of a directory",
    (first) => `Rename them before a migration to a disk, which refuses them: ${move(first)}`,
  );
  warn(
    "names: Windows",
    notOnWindows,
    "cannot be files on Windows",
    (first) => `Rename them if Windows is to read them: ${move(first)}`,
  );
  warn(
    "names: control characters",
    control,
    "hold control characters",
    (first) => `Rename them: tools that read names line by line take them for others. ${move(first)}`,
  );
  if (unreadable.count > 0) {
    checks.unshift({
      name: "folders: readable",
      ...verdict(unreadable, "fail", "unreadable"),
      remedy: `Let this user read them (chmod -R u+rX ${quoted(backend.url())}; owner, mount options), or leave them out: parquetry migrate --exclude FOLDER/.`,
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

/** A name that Windows reserves, or with a character or an end that it does not allow. */
const NOT_ON_WINDOWS =
  /[<>:"|?*\\]|[. ](?:\/|$)|(?:^|\/)(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\.[^/]*)?(?:\/|$)/i;

/** An address quoted for a shell; control characters as bash reads them. */
export function quoted(address: string): string {
  if (/^[\w.:/=-]+$/.test(address)) return address;
  if (!/\p{Cc}/u.test(address)) return `'${address.replaceAll("'", "'\\''")}'`;
  return `$'${visibleName(address.replace(/[\\']/g, "\\$&"))}'`;
}

/** Counts names and keeps the first {@link NAMED}. */
export class NamedCount {
  count = 0;
  readonly #names: string[] = [];
  readonly #lines: string[] = [];

  /** The first names. */
  get first(): readonly string[] {
    return this.#names;
  }

  add(name: string, why?: string): void {
    this.count++;
    if (this.#names.length >= NAMED) return;
    this.#names.push(name);
    this.#lines.push(visibleName(why === undefined ? name : `${name} (${why})`));
  }

  /** How many there are, and the first `named` of them. */
  describe(what: string, named: number = NAMED): string {
    const lines = this.#lines.slice(0, named);
    const more = this.count - lines.length;
    return `${this.count} ${what}: ${lines.join(", ")}${more > 0 ? `, and ${more} more` : ""}`;
  }
}
