import { DEFAULT_ENV_PREFIXES } from "@parquetry/storage/backend";
import { ENV_TEMPLATE } from "../env-template.ts";

/** A text that `parquetry help TOPIC` shows. */
export interface HelpTopic {
  /** Its name on the command line. */
  readonly name: string;
  /** What it is about, in a few words. */
  readonly summary: string;
  /** The text, 80 columns at most. */
  readonly text: string;
}

/** Every topic, beside the commands' own help. */
export const HELP_TOPICS: readonly HelpTopic[] = [
  {
    name: "environment",
    summary: "the variables that configure both ends",
    text: `Variables are read from the environment and from .env (--env-file for another);
the environment wins. Their prefix is ${DEFAULT_ENV_PREFIXES.join(" or ")}, or that of --env-prefix.
S3 takes its credentials as every AWS tool does (AWS_ACCESS_KEY_ID, a profile).
Also read: NO_COLOR; XDG_CACHE_HOME (hashes of files are kept below it);
PARQUETRY_CACHE_DIR (where \`parquetry query\` keeps fetched files).

The template that \`parquetry init\` writes:

${ENV_TEMPLATE.trimEnd()}`,
  },
  {
    name: "filters",
    summary: "how --include, --exclude, --where and --shard choose files",
    text: `--include GLOB   only what matches; repeat it for more
--exclude GLOB   not what matches; wins over --include
  raw/plays           everything below a folder, or a file
  *.csv               a file name in any folder
  raw/**/week={1,2}/* * and ? within a name, ** over folders, {a,b} either
--where CONDITION  only partitions like this
  year=2024           one value
  week=1..4           a range of numbers
  year=2024,week=1    both must hold
  week=1,week=3       either of them: values of one key are alternatives
                      (repeating --where means the same as a comma)
--shard I/N        part I of N, I from 0: disjoint, complete, always the same
  --shard $JOB_COMPLETION_INDEX/8    in a Kubernetes Indexed Job

._*, .DS_Store, temporary files and what systems keep at the top of a drive
(.Trashes, lost+found) are left out and counted, unless
--no-default-excludes. Symbolic links are named and not followed.`,
  },
  {
    name: "exit-codes",
    summary: "what a command's exit code means",
    text: `0    done, and everything is equal
1    files differ, failed, were refused or are unverifiable; each is named
     (--allow-unverified accepts the last)
2    wrong usage or configuration; nothing was begun
130  interrupted; the same command goes on`,
  },
  {
    name: "json",
    summary: "the lines that --json writes",
    text: `One JSON object a line on stdout; the last one is the summary, also after an
error. Every object has version (1: fields may be added, none changes its
meaning), type and command.

summary           exitCode; with an error error.code and error.message; else the
                  command's result
plan              before copying: what will be done
progress          every 10 s: phase (listing, reading, copying), files,
                  filesTotal, bytes, bytesTotal, bytesFound (to read, as far as
                  a listing has come), bytesPerSecond, etaMs, retries, errors
file              a file that the plan or the check names: problem, detail
failed, retry     key, message; of a failure also code
copied            with --verbose: key, sizeBytes, durationMs
upload            an upload in parts of an earlier run: key, action (resumed or
                  ended), parts
check             of doctor: name, status, detail, remedy
skipped, warning  path, reason, detail; message

query, compact, ddl and cache write their result as it is; an error of theirs
is a summary too.`,
  },
];
