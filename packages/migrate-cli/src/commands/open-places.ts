import { resolve } from "node:path";
import { type StorageBackend, StorageError } from "@parquetry/core/backend";
import {
  type ConfigOptions,
  configuredCloud,
  DEFAULT_ENV_PREFIXES,
  getBackend,
  openBackend,
} from "@parquetry/storage/backend";
import { type CommandContext, usageError } from "./command-context.ts";

type Place = Pick<CommandContext, "env" | "envPrefix" | "cwd"> & Pick<ConfigOptions, "onRetry">;

/**
 * Opens an address, or the local data root where none is given.
 *
 * @throws StorageError `invalid_argument`, op `config`, for what is not configured.
 */
export async function openSource(context: Place, address: string | undefined): Promise<StorageBackend> {
  const { env, envPrefix, onRetry } = context;
  if (address !== undefined) return openBackend(absolute(context, address), { env, envPrefix, onRetry });
  return getBackend({ env, envPrefix, backend: "local" });
}

/**
 * Opens an address, or the configured cloud backend where none is given: the one `…_STORAGE_BACKEND` names, else R2 where
 * a bucket of it is configured, else S3.
 *
 * @throws StorageError `invalid_argument`, op `config`, for what is not configured.
 */
export async function openTarget(context: Place, address: string | undefined): Promise<StorageBackend> {
  const { env, envPrefix, onRetry } = context;
  if (address !== undefined) return openBackend(absolute(context, address), { env, envPrefix, onRetry });
  const backend = await configuredCloud({ env, envPrefix });
  if (backend !== undefined) return getBackend({ env, envPrefix, backend, onRetry });
  const prefix = envPrefix ?? DEFAULT_ENV_PREFIXES[0];
  throw new StorageError({
    code: "invalid_argument",
    op: "config",
    message:
      "No cloud backend is configured. Give one by --to r2://bucket or --to s3://bucket, or set " +
      `${prefix}_R2_BUCKET or ${prefix}_S3_BUCKET in the environment or in .env; \`parquetry init\` writes a template.`,
  });
}

/**
 * Resolves a path against the working directory; an address with a scheme stays as it is.
 *
 * @throws StorageError `invalid_argument` for an address without both slashes.
 */
export function absolute({ cwd }: Pick<CommandContext, "cwd">, address: string): string {
  const [, scheme, rest = ""] = /^(s3|r2):(?!\/\/)\/?(.*)$/i.exec(address) ?? [];
  if (scheme !== undefined)
    throw usageError(
      `${address} is not an address: write ${scheme}://${rest}, or ./${address} for a folder.`,
    );
  return address === "" || /^[A-Za-z][A-Za-z0-9+.-]+:\/\//.test(address) ? address : resolve(cwd, address);
}

/** Opens both ends, runs something with them, and closes them. */
export async function withBothEnds<T>(
  context: Place,
  addresses: { readonly from?: string | undefined; readonly to?: string | undefined },
  run: (source: StorageBackend, target: StorageBackend) => Promise<T>,
): Promise<T> {
  const source = await openSource(context, addresses.from);
  try {
    const target = await openTarget(context, addresses.to);
    try {
      return await run(source, target);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** Whether the target most likely treats names that differ only in case as one file. */
export function isCaseInsensitive(target: StorageBackend): boolean {
  return target.name === "local" && (process.platform === "darwin" || process.platform === "win32");
}
