import type { TrinoClient, TrinoOptions } from "@parquetry/trino";
import type { CommandContext } from "../command-context.ts";
import { usageError } from "../command-context.ts";

/** The cluster that the environment names: `PARQUETRY_TRINO_URL` and so on. */
export function trinoOptions({ env, envPrefix = "PARQUETRY" }: CommandContext): TrinoOptions {
  const read = (name: string): string | undefined => env[`${envPrefix}_TRINO_${name}`] || undefined;
  const url = read("URL");
  if (url === undefined)
    throw usageError(
      `${envPrefix}_TRINO_URL is not set. Set it to the cluster's coordinator, such as https://trino.example.com.`,
    );
  const [password, token] = [read("PASSWORD"), read("TOKEN")];
  return {
    url,
    catalog: read("CATALOG") ?? "hive",
    schema: read("SCHEMA") ?? "default",
    user: read("USER"),
    auth: token === undefined ? (password === undefined ? undefined : { password }) : { token },
  };
}

/** A client of the cluster that the environment names. */
export async function openTrino(context: CommandContext): Promise<TrinoClient> {
  const options = trinoOptions(context);
  const { TrinoClient } = await import("@parquetry/trino");
  return new TrinoClient(options);
}
