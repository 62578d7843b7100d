import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { createInterrupt } from "../../src/commands/interrupt.ts";
import { runCli } from "../../src/commands/run-cli.ts";
import { textCollector } from "./text-collector.ts";

// As bin/parquetry.ts does.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

export const SCRIPT = fileURLToPath(new URL("../../dist/bin/parquetry.js", import.meta.url));

/** The outcome of a command. */
export interface CommandOutcome {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface RunningCommand {
  readonly child: ChildProcess;
  readonly outcome: Promise<CommandOutcome>;
}

/** A data root, an S3 server, and the built command. */
export interface World extends AsyncDisposable {
  readonly folder: string;
  readonly data: string;
  readonly server: S3Server;
  /** Starts the command. */
  start(args: readonly string[], env?: Record<string, string>): RunningCommand;
  /** Runs the built command in a separate process, to its end. */
  run(args: readonly string[], env?: Record<string, string>): Promise<CommandOutcome>;
  /**
   * Runs the same command in this process, which is faster: no signals, no real pipes. With `columns`, stderr is a terminal
   * of that width.
   */
  call(args: readonly string[], env?: Record<string, string>, columns?: number): Promise<CommandOutcome>;
  /** Writes files below the data root. */
  write(files: Readonly<Record<string, string | Uint8Array>>): void;
}

/**
 * Makes a {@link World}: bucket `football`, configured by a `.env` in the working directory. The server's objects are in
 * memory, or where `isOnDisk` in the folder `server`.
 */
export async function createWorld(profile: "s3" | "r2" = "r2", isOnDisk = false): Promise<World> {
  if (!existsSync(SCRIPT)) throw new Error(`${SCRIPT} is missing: build the package first (pnpm build)`);
  const folder = mkdtempSync(join(tmpdir(), "parquetry-test-cli-"));
  const data = join(folder, "data");
  mkdirSync(data);
  const server = await startS3Server({
    buckets: ["football"],
    profile,
    ...(isOnDisk ? { dir: join(folder, "server") } : {}),
  });
  const { accessKeyId, secretAccessKey } = server.credentials;
  const variables =
    profile === "r2"
      ? {
          CFB_R2_BUCKET: "football",
          CFB_R2_ACCESS_KEY: accessKeyId,
          CFB_R2_SECRET_KEY: secretAccessKey,
          CFB_R2_ENDPOINT: server.endpoint,
        }
      : {
          CFB_S3_BUCKET: "football",
          CFB_S3_ENDPOINT: server.endpoint,
          CFB_S3_FORCE_PATH_STYLE: "true",
          AWS_ACCESS_KEY_ID: accessKeyId,
          AWS_SECRET_ACCESS_KEY: secretAccessKey,
        };
  const lines = Object.entries({ CFB_MODEL_DATA_ROOT: data, ...variables }).map(
    ([key, value]) => `${key}=${value}`,
  );
  writeFileSync(join(folder, ".env"), `${lines.join("\n")}\n`);

  // Nothing of the developer's own configuration may reach the command.
  const environment = { PATH: process.env["PATH"], HOME: folder, XDG_CACHE_HOME: join(folder, "cache") };

  const start: World["start"] = (args, env = {}) =>
    startScript(SCRIPT, args, folder, { ...environment, ...env });

  return {
    folder,
    data,
    server,
    start,
    run: (args, env) => start(args, env).outcome,
    async call(args, env = {}, columns) {
      const [stdout, stderr] = [textCollector(), textCollector()];
      if (columns !== undefined) Object.assign(stderr.stream, { isTTY: true, columns });
      const exitCode = await runCli(args, {
        stdin: Readable.from([]),
        stdout: stdout.stream,
        stderr: stderr.stream,
        env: { ...environment, ...env },
        cwd: folder,
        interrupt: createInterrupt(),
      });
      return { exitCode, signal: null, stdout: stdout.text(), stderr: stderr.text() };
    },
    write(files) {
      for (const [key, content] of Object.entries(files)) {
        mkdirSync(dirname(join(data, key)), { recursive: true });
        writeFileSync(join(data, key), content);
      }
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function startScript(
  script: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): RunningCommand {
  const child = spawn(process.execPath, [script, ...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const outcome = new Promise<CommandOutcome>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode, signal) => resolve({ exitCode, signal, stdout, stderr }));
  });
  return { child, outcome };
}

/** Runs another copy of the command in a folder that a {@link World} has made. */
export function runScript(script: string, args: readonly string[], folder: string): Promise<CommandOutcome> {
  return startScript(script, args, folder, { PATH: process.env["PATH"], HOME: folder }).outcome;
}

/** Waits until something is so. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** The objects of stdout's JSON lines. */
export function jsonLines(stdout: string): Record<string, unknown>[] {
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** The last JSON line. */
export function summaryOf({ stdout }: CommandOutcome): Record<string, unknown> {
  return jsonLines(stdout).at(-1) ?? {};
}
