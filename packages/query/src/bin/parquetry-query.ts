#!/usr/bin/env node
import { createRequire } from "node:module";
import { openStorage } from "../cli/open-storage.ts";
import { runCli } from "../cli/run-cli.ts";

// The AWS SDK tells everybody on Node 20 which Node it will want one day; who runs a command can do nothing about it.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

// `parquetry-query … | head` closes our output early: that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.stdout.destroy();
});

const interrupted = new AbortController();
process.once("SIGINT", () => interrupted.abort());
process.once("SIGTERM", () => interrupted.abort());

const manifest: { readonly version: string } = createRequire(import.meta.url)("../../package.json");

process.exitCode = await runCli({
  argv: process.argv.slice(2),
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  version: manifest.version,
  signal: interrupted.signal,
  openStorage,
});
