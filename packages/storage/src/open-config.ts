import {
  DEFAULT_RETRY_POLICY,
  parsePrefix,
  type RetryPolicy,
  type StorageBackend,
} from "@parquetry/core/backend";
import type { StorageConfig } from "./storage-config.ts";

/** Opens what a configuration names. A backend's package is loaded only when it is needed. */
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
    const { accessKeyId, secretAccessKey, ...rest } = config;
    return createR2Backend({ ...rest, prefix, retry, credentials: { accessKeyId, secretAccessKey } });
  }
  return createS3Backend({ ...config, prefix, retry });
}
