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
    throw new InvalidArgumentError("A port is a number from 0 to 65535.");
  return port;
}

function readVersion(): string {
  const url = new URL("../../package.json", import.meta.url);
  // The package's own file, hence the shape.
  return (JSON.parse(readFileSync(url, "utf8")) as { readonly version: string }).version;
}

function describeFailure(error: unknown, flags: S3Flags): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const message = error instanceof Error ? error.message : String(error);
  switch (code) {
    case "EADDRINUSE":
      return `Port ${flags.port} is taken. Choose another with --port, or let --port 0 find a free one.`;
    case "EACCES":
    case "EPERM":
      return `No permission: ${message}. Choose a port above 1023, or another directory with --dir.`;
    default:
      return message;
  }
}

function describeServer(server: S3Server, flags: S3Flags): string {
  const { endpoint, region, credentials } = server;
  const bucket = server.buckets[0] ?? "BUCKET";
  const shownSecret =
    credentials.secretAccessKey === TEST_CREDENTIALS.secretAccessKey
      ? credentials.secretAccessKey
      : "(the one you gave)";
  return `S3 server on ${endpoint}

  profile     ${server.profile}
  region      ${region}
  access key  ${credentials.accessKeyId}
  secret key  ${shownSecret}
  objects in  ${flags.dir === undefined ? "memory: they end with this process" : resolve(flags.dir)}
  buckets     ${server.buckets.join(", ") || "none yet"}

Parquetry:
  export PARQUETRY_STORAGE_BACKEND=s3 PARQUETRY_S3_BUCKET=${bucket} PARQUETRY_S3_REGION=${region}
  export PARQUETRY_S3_ENDPOINT=${endpoint} PARQUETRY_S3_FORCE_PATH_STYLE=true
  export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…
AWS CLI:
  aws --endpoint-url ${endpoint} --region ${region} s3 ls s3://${bucket}/

Ctrl-C stops it.
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
  .description("Tools to test storage backends with.")
  .version(readVersion())
  .showHelpAfterError("Try --help.")
  .showSuggestionAfterError();

program
  .command("s3")
  .description(
    "Run an S3 server on 127.0.0.1, for tests and for trying things out; not for data that matters.",
  )
  .option("-p, --port <number>", "port to listen on; 0 takes a free one", parsePort, 9000)
  .option("-d, --dir <path>", "keep objects in this directory (default: in memory)")
  .option(
    "-b, --bucket <name>",
    "create this bucket unless it exists; may be repeated",
    (name: string, names: readonly string[]) => [...names, name],
    [],
  )
  .option("--access-key <id>", "access key id clients must use", TEST_CREDENTIALS.accessKeyId)
  .addOption(
    new Option("--secret-key <secret>", "secret key clients must sign with")
      .default(TEST_CREDENTIALS.secretAccessKey)
      .env("PARQUETRY_TESTKIT_SECRET_KEY"),
  )
  .addOption(
    new Option("--profile <service>", "service to imitate where services differ")
      .choices(Object.keys(S3_PROFILES))
      .default("s3"),
  )
  .option("--region <name>", 'region clients must sign for (default: "us-east-1", with r2 "auto")')
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
