import {
  DEFAULT_RETRY_POLICY,
  parsePrefix,
  type RetryPolicy,
  type StorageBackend,
} from "@parquetry/core/backend";
import type { StorageConfig } from "./storage-config.ts";

/** Opens the backend of a configuration. Loads the package of that backend only. */
export async function openConfig(
  config: StorageConfig,
  onRetry?: RetryPolicy["onRetry"],
): Promise<StorageBackend> {
  if (config.backend === "local") {
    const { createLocalBackend } = await import("@parquetry/backend-local");
    return createLocalBackend({ root: config.root });
  }
  const { createR2Backend, createS3Backend } = await import("@parquetry/backend-s3");
  const prefix = parsePrefix(config.prefix, "config");
  const retry: RetryPolicy = { ...DEFAULT_RETRY_POLICY, onRetry };
  if (config.backend === "r2") {
    const { accessKeyId, secretAccessKey, backend: _, ...rest } = config;
    return createR2Backend({ ...rest, prefix, retry, credentials: { accessKeyId, secretAccessKey } });
  }
  const { backend: _, ...rest } = config;
  return createS3Backend({ ...rest, prefix, retry });
}
