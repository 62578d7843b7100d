import { DEFAULT_ENV_PREFIXES } from "@parquetry/storage/backend";
import { ENV_TEMPLATE } from "../env-template.ts";

/** A text that `parquetry help TOPIC` prints. */
export interface HelpTopic {
  /** Its name on the command line. */
  readonly name: string;
  /** Its subject in a few words. */
  readonly summary: string;
  /** The text, at most 80 columns wide. */
  readonly text: string;
}

/** The topics that are not about one command. */
export const HELP_TOPICS: readonly HelpTopic[] = [
  {
    name: "environment",
    summary: "the variables that configure stores, caches and colours",
    text: `Variables are read from the environment and from .env (--env-file for another);
the environment wins. Their prefix is ${DEFAULT_ENV_PREFIXES.join(" or ")}, or that of --env-prefix.
S3 credentials come from the AWS default chain (AWS_ACCESS_KEY_ID, a profile).

PARQUETRY_CACHE_DIR         the folder of all caches: downloaded files, hashes
                            of local files, multipart uploads to resume
PARQUETRY_HTTPFS_EXTENSION  the file of DuckDB's httpfs extension, if it is not
                            where INSTALL httpfs puts it
NO_COLOR, FORCE_COLOR       as at no-color.org and force-color.org

The template that \`parquetry init\` writes:

${ENV_TEMPLATE.trimEnd()}`,
  },
  {
    name: "filters",
    summary: "how --include, --exclude, --where and --shard choose files",
    text: `--include GLOB   only files that match; repeatable
--exclude GLOB   no files that match; wins over --include
  raw/plays           everything below a folder, or a file, at the root
  raw/plays/          everything below a folder at the root
  **/plays/           the same in any folder
  *.csv, plays        a name in any folder, of a file or (without a wildcard)
                      of a folder; /*.csv and /plays at the root alone
  raw/**/week={1,2}/* * and ? within a name, ** over folders, {a,b} either
  part-[0-9a-f]*      one of these characters; [!0-9] or [^0-9] one other;
                      [[:digit:]], [[:alpha:]] and so on; \\[ is a bracket
  A pattern that matches nothing is reported. Upper and lower case differ.
--where CONDITION  only partitions that match; repeatable
  year=2024           one value
  week=1..4           a range of numbers
  year=2024,week=1    both must match
  week=1,week=3       either may match: values of one key are alternatives
                      (repeating --where means the same as a comma)
--shard I/N        part I of N, I from 0: disjoint, complete, always the same
  --shard $JOB_COMPLETION_INDEX/8    in a Kubernetes Indexed Job

._*, .DS_Store, temporary files, system folders at the top of a drive (.Trashes,
lost+found) and .env files, which hold keys, are left out and counted, unless
you give --no-default-excludes. Symbolic links are named and not followed.`,
  },
  {
    name: "exit-codes",
    summary: "what the exit code of a command means",
    text: `0    done, and everything is equal
1    files differ, failed, were refused or are unverifiable; each is named
     (--allow-unverified accepts the last). A query, a partition of compact or
     repair, or a check of doctor failed
2    wrong usage, configuration or SQL, or a store that cannot be reached or
     opened: nothing was begun, or doctor could check nothing in it
130  interrupted; run the same command again to continue`,
  },
  {
    name: "json",
    summary: "the lines that --json writes",
    text: `One JSON object per line on stdout; the last one is the summary, also after an
error. Every object has version (fields may be added; none changes its meaning),
type and command.

summary           exitCode; after an error, error.code, error.message and for
                  some codes error.helpUrl; else the result of the command
                  (query: columns, rows, stats)
plan              before copying: what will be done
progress          every 10 s: phase (listing, reading, copying), files,
                  filesTotal, bytes, bytesTotal, bytesFound (to read, as far as
                  the listing has come), bytesPerSecond, etaMs, retries, errors
file              a file that the plan or the check names: problem, detail
failed, retry     key, message; a failure also has code
copied            with --verbose: key, sizeBytes, durationMs
upload            a multipart upload of an earlier run: key, action (resumed or
                  ended), parts
check             of doctor: name, status, detail, remedy
skipped, warning  path, reason, detail; message`,
  },
];
