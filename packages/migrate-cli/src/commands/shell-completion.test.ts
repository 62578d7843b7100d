import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { HELP_TOPICS } from "./help-topics.ts";
import { createInterrupt } from "./interrupt.ts";
import { runCli } from "./run-cli.ts";

async function run(...args: string[]): Promise<{ readonly exitCode: number; readonly text: string }> {
  let text = "";
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const world = { stdout: stream, stderr: stream, env: {}, cwd: process.cwd(), interrupt: createInterrupt() };
  return { exitCode: await runCli(args, world), text };
}

const has = (shell: string): boolean => spawnSync(shell, ["-c", "true"]).status === 0;

describe("parquetry completion", () => {
  const complete = (script: string, line: string): readonly string[] => {
    const words = line.split(" ");
    const ask = `${script}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _parquetry; echo "\${COMPREPLY[@]}"`;
    return execFileSync("bash", ["-c", ask], { encoding: "utf8" }).trim().split(" ");
  };

  it.skipIf(!has("bash"))("completes commands, flags, topics and shells in bash", async () => {
    const { exitCode, text } = await run("completion", "bash");
    expect(exitCode).toBe(0);
    expect(complete(text, "parquetry mi")).toEqual(["migrate"]);
    expect(complete(text, "parquetry --quiet ver")).toEqual(["verify"]);
    expect(complete(text, "parquetry migrate --con")).toEqual(["--concurrency"]);
    expect(complete(text, "parquetry verify --con")).toEqual([""]);
    expect(complete(text, "parquetry plan --js")).toEqual(["--json"]);
    expect(complete(text, "parquetry help exit")).toEqual(["exit-codes"]);
    expect(complete(text, "parquetry completion ")).toEqual(["bash", "zsh", "fish"]);
  });

  it.each(["bash", "zsh", "fish"])("writes what %s can read", async (shell) => {
    const { text } = await run("completion", shell);
    for (const word of ["migrate", "verify", "concurrency", "completion"]) expect(text).toContain(word);
    if (!has(shell)) {
      console.warn(`SKIPPED in part: ${shell} is not installed, so its completion was not parsed`);
      return;
    }
    const folder = mkdtempSync(join(tmpdir(), "parquetry-completion-"));
    try {
      writeFileSync(join(folder, "script"), text);
      execFileSync(shell, ["-n", join(folder, "script")]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("knows no other shell", async () => {
    const { exitCode, text } = await run("completion", "tcsh");
    expect(exitCode).toBe(2);
    expect(text).toContain("Expected bash, zsh, fish");
  });
});

describe("parquetry help", () => {
  it.each(HELP_TOPICS.map(({ name }) => name))("tells of %s", async (topic) => {
    const { exitCode, text } = await run("help", topic);
    expect(exitCode).toBe(0);
    expect(text.length).toBeGreaterThan(200);
    expect((await run("--help")).text).toContain(topic);
  });

  it("tells what there is help about", async () => {
    const { exitCode, text } = await run("help", "everything");
    expect(exitCode).toBe(2);
    expect(text).toContain("There is about init, doctor");
  });
});
