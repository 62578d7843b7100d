import type { BackendCapabilities, Key } from "@parquetry/core/backend";
import { HashSet } from "../select/hash-set.ts";
import { hashKey } from "../select/shard.ts";

/** The longest name of a file or a folder on the usual file systems, in bytes. */
const MAX_NAME_BYTES = 255;

/** Options of {@link createNameChecker}. */
export interface NameCheckerOptions {
  /** Whether `A` and `a` are the same file at the target, as on macOS and Windows by default. Default false. */
  readonly caseInsensitive?: boolean | undefined;
}

/**
 * Makes a check that returns why the target cannot store a key under its own name, or undefined if it can. Call it with
 * every key in key order, since it compares names with those before.
 */
export function createNameChecker(
  target: Pick<BackendCapabilities, "keyNormalization" | "hierarchicalKeys" | "maxKeyBytes">,
  options: NameCheckerOptions = {},
): (key: Key) => string | undefined {
  const explainExclusion = target.hierarchicalKeys ? fileAndFolder() : undefined;
  const explainTwin = options.caseInsensitive === true ? caseTwins() : undefined;
  return (key) => {
    // Called for every key, since both record it.
    const excluded = explainExclusion?.(key);
    const same = explainTwin?.(key);
    if (target.keyNormalization === "NFC" && key.normalize("NFC") !== key) {
      return "its name is not in Unicode's composed form (NFC); the target would store it under another name. Rename it at the source";
    }
    const bytes = Buffer.byteLength(key);
    if (bytes > target.maxKeyBytes) {
      return `its name has ${bytes} bytes, and the target accepts ${target.maxKeyBytes}, prefix included. Shorten it at the source`;
    }
    if (target.hierarchicalKeys) {
      const long = key.split("/").find((name) => Buffer.byteLength(name) > MAX_NAME_BYTES);
      if (long !== undefined)
        return `it has a name of ${Buffer.byteLength(long)} bytes, and file systems accept ${MAX_NAME_BYTES}. Shorten it at the source`;
    }
    return excluded ?? same;
  };
}

/** Between `a` and the keys below `a/` there are only names that start with `a`, so a stack of open names suffices. */
function fileAndFolder(): (key: Key) => string | undefined {
  const open: Key[] = [];
  return (key) => {
    for (let top = open.at(-1); top !== undefined && !key.startsWith(top); top = open.at(-1)) open.pop();
    const file = open.find((name) => key[name.length] === "/");
    open.push(key);
    return file === undefined
      ? undefined
      : `${file} is a file, and the target cannot have a folder of that name as well`;
  };
}

/** Keeps 48 bits of the hash of each folded name. */
function caseTwins(): (key: Key) => string | undefined {
  const seen = new HashSet();
  return (key) => {
    if (seen.add(hashKey(key.normalize("NFC").toLowerCase()))) return undefined;
    return "another file's name differs only in case or Unicode form, and the target would store both as one file; `parquetry doctor` lists the pairs";
  };
}
