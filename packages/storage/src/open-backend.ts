import { fileURLToPath } from "node:url";
import { type StorageBackend, StorageError } from "@parquetry/core/backend";
import { checkOptions } from "@parquetry/core/unstable";
import { openConfig } from "./open-config.ts";
import { URI_OPTIONS, type UriOptions } from "./storage-config.ts";

/**
 * Opens the backend at a URI: a path, `file:///…`, `s3://bucket/prefix` or `r2://bucket/prefix`. Credentials, endpoint and
 * region come from the environment, as in `getStorage`.
 *
 * @throws StorageError `invalid_argument` for an invalid URI, and as `getStorage`.
 * @example
 * ```ts
 * const archive = await openBackend("r2://football/archive");
 * ```
 */
export async function openBackend(uri: string, options: UriOptions = {}): Promise<StorageBackend> {
  checkOptions(options, URI_OPTIONS, "openBackend");
  if (typeof uri !== "string") throw badUri(`expected a string, got ${typeof uri}`);
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]+):\/\//.exec(uri)?.[1]?.toLowerCase();
  if (scheme === undefined) return openConfig({ backend: "local", root: uri });
  if (scheme === "file") return openConfig({ backend: "local", root: filePath(uri) });
  if (scheme !== "s3" && scheme !== "r2") {
    throw badUri(`${scheme}:// is not supported; use a path, file://, s3:// or r2://`);
  }
  const rest = uri.slice(scheme.length + 3);
  // The message leaves the URI out: the part before an @ may be a secret.
  if (rest.includes("@"))
    throw badUri(`${scheme}:// URIs must not contain credentials; set them in the environment`);
  const [bucket = "", ...folders] = rest.split("/");
  if (bucket === "") throw badUri(`${uri} has no bucket; expected ${scheme}://bucket/prefix`);
  const prefix = folders.join("/").replace(/\/$/, "");
  const { parseConfig } = await import("./read-storage-config.ts");
  return openConfig(parseConfig({ ...options, backend: scheme }, { bucket, prefix }), options.onRetry);
}

function filePath(uri: string): string {
  try {
    return fileURLToPath(uri);
  } catch {
    throw badUri(`${uri} is not a file URL of this machine; expected file:///absolute/path`);
  }
}

function badUri(problem: string): StorageError {
  return new StorageError({
    code: "invalid_argument",
    op: "config",
    message: `Invalid storage URI: ${problem}.`,
  });
}
