import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runInMemory } from "../../test/support/run-in-memory.ts";

const SCRIPT = fileURLToPath(new URL("../../dist/bin/parquetry.js", import.meta.url));

/** Where the shells run: a folder with a file and a folder. */
let folder: string;
/** Where `parquetry` is. */
let bin: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "parquetry-completion-"));
  mkdirSync(join(folder, "data"));
  writeFileSync(join(folder, "my.env"), "");
  bin = mkdtempSync(join(tmpdir(), "parquetry-completion-bin-"));
  writeFileSync(join(bin, "parquetry"), `#!/bin/sh\nexec '${process.execPath}' '${SCRIPT}' "$@"\n`, {
    mode: 0o755,
  });
  writeFileSync(join(folder, "inside.zsh"), INSIDE_ZSH);
  writeFileSync(join(folder, "ask.zsh"), ASK_ZSH);
});

afterAll(() => {
  for (const each of [folder, bin]) rmSync(each, { recursive: true });
});

/** Runs a shell without anybody's configuration. */
function shell(name: string, ...args: string[]): string {
  const env = { PATH: [bin, process.env["PATH"]].join(delimiter), HOME: folder, TERM: "xterm" };
  return execFileSync(name, args, { cwd: folder, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function askBash(script: string, line: string): readonly string[] {
  // As readline cuts it.
  const words = line.split(/ |(?<==)|(?==)/);
  const quoted = words.map((word) => `'${word}'`).join(" ");
  return shell(
    "bash",
    "-c",
    `source ${script}; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; COMP_LINE='${line}'; COMP_POINT=${line.length}; _parquetry; printf '%s\\n' "\${COMPREPLY[@]}"`,
  )
    .split("\n")
    .filter(Boolean);
}

/** In a zsh on a terminal: its completion runs nowhere else. This one tells what it offers instead of offering it. */
const INSIDE_ZSH = `
autoload -Uz compinit
compinit -u -D
source $1
bindkey '^I' complete-word
compadd() {
  local -a offered
  if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return; fi
  builtin compadd -A offered "$@"
  local word
  for word in $offered; do print -r -- "<$word>" > $TTY; done
  builtin compadd "$@"
}
finish() { print -r -- "<END>" > $TTY }
comppostfuncs=(finish)
print "<READY>"
`;

const ASK_ZSH = `
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PROMPT= ; source inside.zsh $1"
zpty -r -m z REPLY '*<READY>*'
zpty -w -n z "$2"$'\\t'
zpty -r -m z REPLY '*<END>*'
print -r -- "$REPLY"
zpty -d z
`;

function askZsh(script: string, line: string): readonly string[] {
  const told = shell("zsh", "-f", "ask.zsh", script, line);
  return [...told.matchAll(/<([^<>]+)>/g)].map(([, word = ""]) => word).filter((word) => word !== "END");
}

function askFish(script: string, line: string): readonly string[] {
  return shell("fish", "--no-config", "-c", `source ${script}; complete -C '${line}'`)
    .split("\n")
    .map((told) => told.replace(/\t.*/, ""))
    .filter(Boolean);
}

const ASK: Readonly<Record<string, (script: string, line: string) => readonly string[]>> = {
  bash: askBash,
  zsh: askZsh,
  fish: askFish,
};

describe.each(["bash", "zsh", "fish"])("parquetry completion %s", (name) => {
  const isThere = spawnSync(name, ["-c", "true"]).status === 0;
  const ask = ASK[name];

  it("completes commands, flags and values in the shell itself", async ({ skip }) => {
    if (!isThere || ask === undefined) return skip(`needs ${name}: apt-get install ${name}`);
    const { exitCode, text } = await runInMemory("completion", name);
    expect(exitCode).toBe(0);
    writeFileSync(join(folder, `completion.${name}`), text);
    const complete = (line: string): readonly string[] => [...ask(`completion.${name}`, line)].sort();

    expect(complete("parquetry mi")).toEqual(["migrate"]);
    expect(complete("parquetry ")).toEqual(expect.arrayContaining(["cost", "migrate", "query", "verify"]));
    expect(complete("parquetry --quiet ver")).toEqual(["verify"]);
    expect(complete("parquetry migrate --con")).toEqual(["--concurrency"]);
    expect(complete("parquetry verify --con")).toEqual([]);
    expect(complete("parquetry plan --js")).toEqual(["--json"]);
    expect(complete("parquetry plan --he")).toEqual(["--help"]);
    expect(complete("parquetry verify --include raw/ --incl")).toEqual(["--include"]);

    expect(complete("parquetry verify --level ")).toEqual(["etag", "full", "sample:5%"]);
    expect(complete("parquetry verify --level f")).toEqual(["full"]);
    expect(complete("parquetry verify --level=f").map((word) => word.replace("--level=", ""))).toEqual([
      "full",
    ]);
    expect(complete("parquetry help exit")).toEqual(["exit-codes"]);
    expect(complete("parquetry completion ")).toEqual(["bash", "fish", "zsh"]);

    expect(complete("parquetry --env-file my")).toEqual(["my.env"]);
    expect(complete("parquetry query my")).toEqual(["my.env"]);
    const isFolder = (word: string): boolean => /^data\/?$/.test(word);
    for (const line of ["parquetry migrate --to ", "parquetry inventory "]) {
      const places = complete(line);
      expect(places).toEqual(expect.arrayContaining(["r2://", "s3://"]));
      expect(places.some(isFolder)).toBe(true);
      expect(places).not.toContain("my.env");
    }
    const folders = complete("parquetry verify --report ");
    expect([folders.every(isFolder), folders.length > 0]).toEqual([true, true]);
    // A free text is not completed with file names.
    expect(complete("parquetry verify --seed ")).toEqual([]);
  });
});

describe("parquetry completion", () => {
  it("knows no other shell", async () => {
    const { exitCode, text } = await runInMemory("completion", "tcsh");
    expect(exitCode).toBe(2);
    expect(text).toContain("Allowed choices are bash, zsh, fish");
  });
});
