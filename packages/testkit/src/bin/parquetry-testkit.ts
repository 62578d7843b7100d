#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { S3_PROFILES, type S3ProfileName } from "../s3-server/s3-profile.ts";
import { type S3Server, startS3Server, TEST_CREDENTIALS } from "../s3-server/start-s3-server.ts";

interface S3Flags {
  readonly port: number;
  readonly dir?: string;
  readonly bucket: readonly string[];
  readonly accessKey: string;
  readonly secretKey: string;
  readonly profile: S3ProfileName;
  readonly region?: string;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new InvalidArgumentError("Expected a port from 0 to 65535.");
  return port;
}

function readVersion(): string {
  const url = new URL("../../package.json", import.meta.url);
  // The package's own file has this shape.
  return (JSON.parse(readFileSync(url, "utf8")) as { readonly version: string }).version;
}

function describeFailure(error: unknown, flags: S3Flags): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const message = error instanceof Error ? error.message : String(error);
  switch (code) {
    case "EADDRINUSE":
      return `Port ${flags.port} is in use. Choose another with --port, or any free one with --port 0.`;
    case "EACCES":
    case "EPERM":
      return `Permission denied: ${message}. Choose a port above 1023 with --port, or another directory with --dir.`;
    default:
      return message;
  }
}

/** The variables that point Parquetry at the server. */
function describeVariables(server: S3Server, secretKey: string): string {
  const { endpoint, region, credentials } = server;
  const bucket = server.buckets[0] ?? "BUCKET";
  return server.profile === "r2"
    ? `  export PARQUETRY_STORAGE_BACKEND=r2 PARQUETRY_R2_BUCKET=${bucket} PARQUETRY_R2_ENDPOINT=${endpoint}
  export PARQUETRY_R2_ACCESS_KEY=${credentials.accessKeyId} PARQUETRY_R2_SECRET_KEY=${secretKey}`
    : `  export PARQUETRY_STORAGE_BACKEND=s3 PARQUETRY_S3_BUCKET=${bucket} PARQUETRY_S3_REGION=${region}
  export PARQUETRY_S3_ENDPOINT=${endpoint} PARQUETRY_S3_FORCE_PATH_STYLE=true
  export AWS_ACCESS_KEY_ID=${credentials.accessKeyId} AWS_SECRET_ACCESS_KEY=${secretKey}`;
}

function describeServer(server: S3Server, flags: S3Flags): string {
  const { endpoint, region, credentials } = server;
  const isOwnSecret = credentials.secretAccessKey !== TEST_CREDENTIALS.secretAccessKey;
  return `S3 server on ${endpoint}

  profile     ${server.profile}
  region      ${region}
  access key  ${credentials.accessKeyId}
  secret key  ${isOwnSecret ? "(the one you passed)" : credentials.secretAccessKey}
  objects in  ${flags.dir === undefined ? "memory, until this process ends" : resolve(flags.dir)}
  buckets     ${server.buckets.join(", ") || "none yet"}

Parquetry:
${describeVariables(server, isOwnSecret ? "…" : credentials.secretAccessKey)}
AWS CLI:
  aws --endpoint-url ${endpoint} --region ${region} s3 ls s3://${server.buckets[0] ?? "BUCKET"}/

Press Ctrl-C to stop.
`;
}

async function runS3(flags: S3Flags): Promise<void> {
  const { port, dir, profile, region } = flags;
  const server = await startS3Server({
    port,
    profile,
    buckets: flags.bucket,
    credentials: { accessKeyId: flags.accessKey, secretAccessKey: flags.secretKey },
    ...(dir !== undefined && { dir }),
    ...(region !== undefined && { region }),
  });
  process.stdout.write(describeServer(server, flags));
  await new Promise<void>((stop) => {
    process.once("SIGINT", () => stop());
    process.once("SIGTERM", () => stop());
  });
  await server.close();
  process.stderr.write("Stopped.\n");
}

const program = new Command("parquetry-testkit")
  .description("tools for testing storage backends")
  .version(readVersion())
  .showHelpAfterError("Run with --help for usage.")
  .showSuggestionAfterError();

program
  .command("s3")
  .description("run an S3 server on 127.0.0.1 for tests and experiments, not for data that matters")
  .option("-p, --port <number>", "port to listen on; 0 for any free one", parsePort, 9000)
  .option("-d, --dir <path>", "store objects in this directory (default: in memory)")
  .option(
    "-b, --bucket <name>",
    "create this bucket if it does not exist; repeatable",
    (name: string, names: readonly string[]) => [...names, name],
    [],
  )
  .option("--access-key <id>", "access key ID that clients must use", TEST_CREDENTIALS.accessKeyId)
  .addOption(
    new Option("--secret-key <secret>", "secret key with which clients must sign")
      .default(TEST_CREDENTIALS.secretAccessKey)
      .env("PARQUETRY_TESTKIT_SECRET_KEY"),
  )
  .addOption(
    new Option("--profile <service>", "service to imitate where S3 and R2 differ")
      .choices(Object.keys(S3_PROFILES))
      .default("s3"),
  )
  .option("--region <name>", 'region for which clients must sign (default: "us-east-1", or "auto" with r2)')
  .addHelpText(
    "after",
    `
Examples:
  $ parquetry-testkit s3 --port 9000 --dir ./data --bucket football
  $ parquetry-testkit s3 --port 0 --profile r2 --bucket football`,
  )
  .action(async (flags: S3Flags) => {
    try {
      await runS3(flags);
    } catch (error) {
      process.stderr.write(`parquetry-testkit: ${describeFailure(error, flags)}\n`);
      process.exitCode = 2;
    }
  });

await program.parseAsync();
