import { fileURLToPath } from "node:url";
import { checkOptions, type StorageBackend, StorageError } from "@parquetry/core/backend";
import { openConfig } from "./open-config.ts";
import { CONFIG_OPTIONS, type ConfigOptions, readStorageConfig } from "./storage-config.ts";

const { backend: _, ...ADDRESS_OPTIONS } = CONFIG_OPTIONS;

/**
 * Opens a place by its address: a path, `file:///…`, `s3://bucket/prefix` or `r2://bucket/prefix`. Everything else —
 * credentials, endpoint, region — comes from the environment, as in `getStorage`.
 *
 * @throws StorageError `invalid_argument` for an address that is none, and as `getStorage`.
 * @example
 * ```ts
 * const archive = await openBackend("r2://football/archive");
 * ```
 */
export async function openBackend(
  address: string,
  options: Omit<ConfigOptions, "backend"> = {},
): Promise<StorageBackend> {
  checkOptions(options, ADDRESS_OPTIONS, "openBackend");
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]+):\/\//.exec(address)?.[1]?.toLowerCase();
  if (scheme === undefined) return openConfig({ backend: "local", root: address });
  if (scheme === "file") return openConfig({ backend: "local", root: filePath(address) });
  if (scheme !== "s3" && scheme !== "r2") {
    throw badAddress(`${scheme}:// is no address Parquetry knows; use a path, file://, s3:// or r2://`);
  }
  const rest = address.slice(scheme.length + 3);
  // Shown nowhere: what stands before an @ may be a secret.
  if (rest.includes("@"))
    throw badAddress(`an ${scheme}:// address holds no credentials; set them in the environment`);
  const [bucket = "", ...folders] = rest.split("/");
  if (bucket === "") throw badAddress(`${address} names no bucket; expected ${scheme}://bucket/prefix`);
  const prefix = folders.join("/").replace(/\/$/, "");
  return openConfig(readStorageConfig({ ...options, backend: scheme }, { bucket, prefix }), options.onRetry);
}

function filePath(address: string): string {
  try {
    return fileURLToPath(address);
  } catch {
    throw badAddress(`${address} is no file URL of this machine; expected file:///absolute/path`);
  }
}

function badAddress(problem: string): StorageError {
  return new StorageError({ code: "invalid_argument", op: "config", message: `Address: ${problem}.` });
}
