import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startS3Server } from "../../packages/testkit/dist/s3-server.js";
import { freePort } from "../../scripts/servers/process.mjs";
import { ROOT } from "../support/sources.ts";
import { R2_KEYS, S3_KEYS } from "./example-keys.ts";
import { writeDrive } from "./football-drive.mjs";
import { type Block, isBlock, isSameOutput, type Part } from "./read-page.ts";

const PYTHON = process.env["PARQUETRY_PYTHON"] ?? "python3";
const PYTHON_PACKAGES = "pandas, pyarrow, polars, duckdb";
const hasPython = spawnSync(PYTHON, ["-c", `import ${PYTHON_PACKAGES}`]).status === 0;
if (!hasPython && process.env["PARQUETRY_REQUIRE_PYARROW"] === "1")
  throw new Error(`no ${PYTHON_PACKAGES} in ${PYTHON}; set PARQUETRY_PYTHON to a Python that has them`);
/** The packages that a page may import, and their commands. */
const MODULES = join(ROOT, "docs", "node_modules");
/** How long one block may take. */
const LIMIT_MS = 60_000;

/** A page that was run. */
export interface RunPage {
  /** Its parts, with the output that the commands printed where it differs from the page. */
  readonly parts: readonly Part[];
  /** How many blocks ran, were written to files or were compared with one. */
  readonly used: number;
  /** The blocks that did not run, and why. */
  readonly notRun: readonly string[];
}

/**
 * Runs the blocks of a page in order, in an empty directory that has the packages installed, with a home directory of its own, the
 * drive of the guides at `/Volumes/drive`, and servers in the place of S3 and R2, each with the bucket `football`. A page that writes no
 * `.env` has the drive as its data root.
 *
 * @throws Error naming the line of the first block that fails.
 */
export async function runPage(name: string, parts: readonly Part[]): Promise<RunPage> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "parquetry-docs-")));
  const background: ChildProcess[] = [];
  const [s3, r2] = await Promise.all([
    startS3Server({ buckets: ["football"], credentials: S3_KEYS }),
    startS3Server({ buckets: ["football"], credentials: R2_KEYS, profile: "r2" }),
  ]);
  try {
    const work = join(folder, "work");
    for (const each of ["work", "home", "drive"]) mkdirSync(join(folder, each));
    symlinkSync(MODULES, join(work, "node_modules"), "dir");
    await writeDrive(join(folder, "drive"));
    const port = await freePort();
    const here: Map<string, string> = new Map([
      ["/Volumes/drive", join(folder, "drive")],
      ["/home/ana", join(folder, "home")],
      // The port of a server that a page starts.
      ["--port 9000", `--port ${port}`],
      ["127.0.0.1:9000", `127.0.0.1:${port}`],
      ["https://0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com", r2.endpoint],
    ]);
    const replaced = (text: string): string =>
      [...here].reduce((all, [from, to]) => all.replaceAll(from, to), text);
    const shown = (text: string): string =>
      [...here]
        .reduce((all, [from, to]) => all.replaceAll(to, from), text)
        .replaceAll(`${work}/`, "")
        .replaceAll(work, ".");
    // A page that starts a server, or writes a .env, shows all of its configuration.
    const blocks = parts.filter(isBlock);
    const hasServer = blocks.some(({ directives }) => directives.has("until it prints"));
    const hasEnvFile = blocks.some(
      ({ directives, code }) => directives.get("file") === ".env" || code.includes("> .env"),
    );
    const env = {
      PATH: [join(MODULES, ".bin"), dirname(process.execPath), process.env["PATH"]].join(delimiter),
      HOME: join(folder, "home"),
      LANG: "C.UTF-8",
      TZ: "UTC",
      NO_COLOR: "1",
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
      ...(!hasEnvFile && { PARQUETRY_DATA_ROOT: join(folder, "drive", "football") }),
      ...(!hasServer && {
        PARQUETRY_R2_ENDPOINT: r2.endpoint,
        PARQUETRY_S3_ENDPOINT: s3.endpoint,
        PARQUETRY_S3_FORCE_PATH_STYLE: "true",
      }),
    };

    /** Runs a program and returns what it printed. */
    const run = async (block: Block, command: string, args: readonly string[]): Promise<string> => {
      const log = join(folder, `output-${block.line}`);
      const output = openSync(log, "w");
      const child = spawn(command, args, {
        cwd: work,
        env,
        stdio: ["ignore", output, output],
        detached: true,
      });
      closeSync(output);
      const ended = once(child, "exit");
      const awaited = block.directives.get("until it prints");
      if (awaited !== undefined) {
        background.push(child);
        const end = Date.now() + LIMIT_MS;
        while (!readFileSync(log, "utf8").includes(awaited)) {
          if (child.exitCode !== null || Date.now() > end)
            throw new Error(`${name}:${block.line} did not print ${awaited}:\n${readFileSync(log, "utf8")}`);
          await sleep(20);
        }
        return shown(readFileSync(log, "utf8"));
      }
      const timer = setTimeout(() => stop(child), LIMIT_MS);
      const [code, signal] = await ended;
      clearTimeout(timer);
      const printed = shown(readFileSync(log, "utf8"));
      const expected = Number(block.directives.get("exit") ?? 0);
      if (code !== expected)
        throw new Error(
          `${name}:${block.line} ended with ${signal ?? code}, expected ${expected}:\n${block.code}\n${printed}`,
        );
      return printed;
    };

    const done: Part[] = [];
    const notRun: string[] = [];
    let used = 0;
    /** The output of the last block; undefined if it did not run here. */
    let last: { printed: string | undefined } | undefined;
    for (const part of parts) {
      if (!isBlock(part)) {
        done.push(part);
        continue;
      }
      const { language, directives, line } = part;
      const code = replaced(part.code);
      const file = directives.get("file");
      const source = directives.get("source");
      const reason = directives.get("not run");
      if (language === "text") {
        if (last === undefined) throw new Error(`${name}:${line} is the output of no block`);
        const { printed } = last;
        const isRight = printed === undefined || isSameOutput(part.code, printed);
        done.push(isRight ? part : { ...part, code: printed.trimEnd() });
        last = undefined;
        continue;
      }
      done.push(part);
      last = { printed: undefined };
      if (source !== undefined && readFileSync(join(ROOT, source), "utf8").trimEnd() !== part.code)
        throw new Error(`${name}:${line} differs from ${source}`);
      if (reason !== undefined) {
        notRun.push(`${name}:${line} ${reason}`);
        continue;
      }
      used++;
      if (file !== undefined) {
        const path = join(file.startsWith("~/") ? env.HOME : work, file.replace(/^~\//, ""));
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, `${code}\n`);
      } else if (language === "sh") {
        // Each block runs in the same folder; a reader's shell would stay in the other one.
        if (/^\s*cd\s/m.test(code))
          throw new Error(`${name}:${line} changes the folder; write paths instead`);
        last.printed = await run(part, "sh", ["-e", "-c", code]);
      } else if (language === "js") {
        const path = join(work, `line-${line}.mjs`);
        writeFileSync(path, `${code}\n`);
        last.printed = await run(part, process.execPath, [path]);
      } else if (language === "python") {
        if (hasPython) last.printed = await run(part, PYTHON, ["-c", code]);
        else {
          used--;
          notRun.push(`${name}:${line} needs ${PYTHON_PACKAGES} in ${PYTHON}; set PARQUETRY_PYTHON`);
        }
      } else if (source === undefined) {
        throw new Error(
          `${name}:${line} is ${language || "no language"}: give it a file, or <!-- not run: why -->`,
        );
      }
    }
    return { parts: done, used, notRun };
  } finally {
    for (const child of background) stop(child);
    await Promise.all([s3.close(), r2.close()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Kills a shell and the processes that it started. */
function stop({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
