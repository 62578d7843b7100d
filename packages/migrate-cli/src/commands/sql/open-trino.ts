import { DEFAULT_RETRY_POLICY, type RetryPolicy } from "@parquetry/core/backend";
import { DEFAULT_ENV_PREFIXES } from "@parquetry/storage/backend";
import type { TrinoClient, TrinoOptions } from "@parquetry/trino";
import type { CommandContext } from "../command-context.ts";
import { usageError } from "../command-context.ts";

/** The cluster that the environment names: `PARQUETRY_TRINO_URL` and so on. */
export function trinoOptions(context: CommandContext): TrinoOptions {
  const { env, envPrefix } = context;
  const prefixes = envPrefix === undefined ? DEFAULT_ENV_PREFIXES : [envPrefix];
  const read = (name: string): string | undefined =>
    prefixes
      .map((prefix) => env[`${prefix}_TRINO_${name}`] || undefined)
      .find((value) => value !== undefined);
  const url = read("URL");
  if (url === undefined)
    throw usageError(
      `${prefixes[0]}_TRINO_URL is not set. Set it to the cluster's coordinator, such as https://trino.example.com.`,
    );
  const [password, token] = [read("PASSWORD"), read("TOKEN")];
  return {
    url,
    catalog: read("CATALOG") ?? "hive",
    schema: read("SCHEMA") ?? "default",
    user: read("USER"),
    retry: retryAloud(context),
    auth: token === undefined ? (password === undefined ? undefined : { password }) : { token },
  };
}

/** The default policy, which says once that it waits: ten attempts take up to three minutes. */
function retryAloud({ warn }: CommandContext): RetryPolicy {
  let isTold = false;
  return {
    ...DEFAULT_RETRY_POLICY,
    onRetry: ({ message }) => {
      if (!isTold) warn(`${message} Trying again.`);
      isTold = true;
    },
  };
}

/** A client of the cluster that the environment names. */
export async function openTrino(context: CommandContext): Promise<TrinoClient> {
  const options = trinoOptions(context);
  const { TrinoClient } = await import("@parquetry/trino");
  return new TrinoClient(options);
}
