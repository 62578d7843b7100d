import { createHash } from "node:crypto";
import type { BackendCapabilities, Key } from "@parquetry/core/backend";

/** Options of {@link createNameChecker}. */
export interface NameCheckerOptions {
  /** Whether the target holds `A` and `a` as one file, as macOS and Windows do by default. Default false. */
  readonly caseInsensitive?: boolean | undefined;
}

/**
 * Makes a check that tells why a key cannot be stored at the target under its own name, or undefined where it can. It
 * must be asked about every key, in key order: that is how it sees names that exclude each other.
 *
 * @example
 * ```ts
 * const whyRefused = createNameChecker(target.capabilities);
 * whyRefused(key); // "its name is not in Unicode's composed form (NFC) …"
 * ```
 */
export function createNameChecker(
  target: Pick<BackendCapabilities, "keyNormalization" | "hierarchicalKeys" | "maxKeyBytes">,
  options: NameCheckerOptions = {},
): (key: Key) => string | undefined {
  const whyExcluded = target.hierarchicalKeys ? fileAndFolder() : undefined;
  const whySame = options.caseInsensitive === true ? caseTwins() : undefined;
  return (key) => {
    // Asked in any case: both remember the key.
    const excluded = whyExcluded?.(key);
    const same = whySame?.(key);
    if (target.keyNormalization === "NFC" && key.normalize("NFC") !== key) {
      return "its name is not in Unicode's composed form (NFC); the target would store it under another name. Rename it at the source";
    }
    const bytes = Buffer.byteLength(key);
    if (bytes > target.maxKeyBytes) {
      return `its name is ${bytes} bytes long, and the target takes ${target.maxKeyBytes} (its prefix included). Shorten it at the source`;
    }
    return excluded ?? same;
  };
}

/** Keys below `a/` follow `a` with only names that start with `a` between them, so a stack of open names suffices. */
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

/** Remembers 48 bits of each folded name, so that a million names take some tens of megabytes. */
function caseTwins(): (key: Key) => string | undefined {
  const seen = new Set<number>();
  return (key) => {
    const folded = createHash("sha256").update(key.normalize("NFC").toLowerCase()).digest().readUIntBE(0, 6);
    if (!seen.has(folded)) {
      seen.add(folded);
      return undefined;
    }
    return "another file's name differs from it only in upper and lower case or in Unicode form, and the target holds both as one; `parquetry doctor` names the pairs";
  };
}
