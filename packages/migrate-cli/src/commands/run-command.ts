import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { isStorageError, type StorageErrorCode } from "@parquetry/core/backend";
import { helpUrl, NO_ANSWER, type NoAnswer } from "@parquetry/core/unstable";
import { whyNot } from "../terminal/why-not.ts";
import {
  type CliWorld,
  type CommandContext,
  createCommandContext,
  type GlobalFlags,
  OutputClosed,
  usageError,
} from "./command-context.ts";
import { EXIT_INTERRUPTED, EXIT_OK, exitCodeOf } from "./exit-codes.ts";

/** Commands that read no variable; `init` writes the file that others read. */
const WITHOUT_ENVIRONMENT: ReadonlySet<string> = new Set(["completion", "help", "init"]);

/** Codes whose message has no room for every remedy, so that a link follows it. */
const WITH_LINK: ReadonlySet<StorageErrorCode> = new Set([
  "not_found",
  "conflict",
  "permission_denied",
  "unauthenticated",
  "rate_limited",
  "unavailable",
  "timeout",
  "corrupt",
  "outcome_unknown",
]);

/** Runs one command with its context, reports what it throws, and returns the exit code. */
export async function runCommand(
  name: string,
  world: CliWorld,
  flags: GlobalFlags,
  run: (context: CommandContext) => Promise<number>,
): Promise<number> {
  // Made before the file of variables is read, so that its errors can be reported.
  let context = createCommandContext(name, world, flags, world.env);
  const onNoAnswer = (message: unknown): void => {
    // Only backends publish there.
    tellNoAnswer(context, message as NoAnswer);
  };
  NO_ANSWER.subscribe(onNoAnswer);
  try {
    if (!WITHOUT_ENVIRONMENT.has(name) || flags.envFile !== undefined)
      context = createCommandContext(name, world, flags, loadEnvFile(world, flags.envFile));
    return await run(context);
  } catch (error) {
    return reportError(context, error);
  } finally {
    NO_ANSWER.unsubscribe(onNoAnswer);
  }
}

/** Reports a store that does not answer, also with `--quiet`: otherwise nothing shows why the command takes so long. */
function tellNoAnswer({ terminal, json, emit, interrupt }: CommandContext, answer: NoAnswer): void {
  const message = `no answer from ${answer.endpoint} for ${Math.round(answer.waitedMs / 1000)} s; still trying, Ctrl-C stops`;
  emit("warning", { message });
  if (!json) terminal.tell(`${terminal.mark("yellow", "warning:")} ${message}`);
  interrupt.storeIsSilent();
}

/** The environment with the variables of a file added; a missing `.env` is fine. Errors never show the file's content. */
function loadEnvFile({ env, cwd }: CliWorld, file: string | undefined): CommandContext["env"] {
  const path = resolve(cwd, file ?? ".env");
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (file === undefined && (code === "ENOENT" || code === "ENOTDIR")) return env;
    throw usageError(
      `the environment file ${path} cannot be read: ${whyNot(error)}. Give another one by --env-file; \`parquetry init\` writes a template.`,
    );
  }
  const set = Object.entries(env).filter(([, value]) => value !== undefined);
  return { ...parseEnv(text), ...Object.fromEntries(set) };
}

/** Reports an error in one place for every command, and returns the exit code. */
export function reportError(context: CommandContext, error: unknown): number {
  const { terminal, json, verbose, interrupt } = context;
  terminal.status("");
  // `| head` has read enough.
  if (error instanceof OutputClosed) return EXIT_OK;
  if (isStorageError(error, "aborted") && interrupt.abort.aborted) {
    context.emit("summary", { exitCode: EXIT_INTERRUPTED, stopped: "interrupted" });
    if (!json) terminal.tell("Interrupted. Run the same command again to continue.");
    return EXIT_INTERRUPTED;
  }
  const known = isStorageError(error);
  const exitCode = exitCodeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const help = known && WITH_LINK.has(error.code) ? helpUrl(error.code) : undefined;
  const fields = known ? { ...error.toJSON(), helpUrl: help } : { code: "internal", message };
  context.emit("summary", { exitCode, error: fields });
  if (!json) {
    terminal.tell(`${terminal.mark("red", "error:")} ${message}`);
    if (help !== undefined) terminal.tell(`Help: ${help}`);
    if (!known) terminal.tell("This is a bug in parquetry. Please report it with the output of --verbose.");
  }
  if (verbose && error instanceof Error) terminal.tell(error.stack ?? "");
  return exitCode;
}
