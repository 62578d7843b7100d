import { checkOptions } from "@parquetry/core/unstable";
import { findVariable } from "./environment.ts";
import { type ConfigOptions, URI_OPTIONS } from "./storage-config.ts";

const { onRetry: _, ...ENV_OPTIONS } = URI_OPTIONS;

/**
 * Returns the cloud backend that the environment configures: the one `…_STORAGE_BACKEND` names, else R2 if `…_R2_BUCKET` is
 * set, else S3 if `…_S3_BUCKET` is set, else undefined.
 *
 * @throws StorageError `invalid_argument` if `…_STORAGE_BACKEND` is not a backend: a misspelt name must not select another store.
 * @example
 * ```ts
 * await configuredCloud({ env: { PARQUETRY_S3_BUCKET: "football" } }); // "s3"
 * ```
 */
export async function configuredCloud(
  options: Pick<ConfigOptions, "env" | "envPrefix"> = {},
): Promise<"r2" | "s3" | undefined> {
  checkOptions(options, ENV_OPTIONS, "configuredCloud");
  const { env = process.env, envPrefix } = options;
  const { value: named } = findVariable(env, envPrefix, ["STORAGE_BACKEND"]);
  if (named !== undefined) {
    const { parseBackend } = await import("./read-storage-config.ts");
    const backend = parseBackend({ env, envPrefix });
    if (backend !== "local") return backend;
  }
  if (findVariable(env, envPrefix, ["R2_BUCKET"]).value !== undefined) return "r2";
  return findVariable(env, envPrefix, ["S3_BUCKET"]).value === undefined ? undefined : "s3";
}
