import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const script = (path) => fileURLToPath(new URL(path, import.meta.url));
const node = (path, ...args) => [process.execPath, script(path), ...args];
const OURS = "../../packages/migrate-cli/dist/bin/parquetry.js";
const PLACES = (root) => ["--from", root, "--to", "s3://bench"];
const TUNED = [
  "--transfers",
  "128",
  "--checkers",
  "128",
  "--fast-list",
  "--checksum",
  "--s3-no-head",
  "--s3-no-check-bucket",
];

/** The number of files for the loop if every request is delayed; its files per second do not depend on it. */
export const LOOP_FILES_AT_LATENCY = 150;

/**
 * The programs that are compared. `copy` is run twice, the second time to find nothing to do. `proves` names what `verify`
 * compares; `forget` is the folder to remove before a verification without the hashes that the copy has recorded.
 * `verifyFully` reads the content of both sides, and `down` copies from the bucket.
 */
export const CONTENDERS = [
  {
    name: "ours: `parquetry`",
    copy: (root) => node(OURS, "migrate", ...PLACES(root)),
    verify: (root) => node(OURS, "verify", ...PLACES(root)),
    verifyFully: (root) => node(OURS, "verify", "--level", "full", ...PLACES(root)),
    down: (root) => node(OURS, "migrate", "--from", "s3://bench", "--to", root),
    proves: "content",
    forget: "cache",
  },
  {
    name: "ours: the library",
    copy: (root) => node("library.mjs", "copy", root),
    verify: (root) => node("library.mjs", "verify", root),
    proves: "content",
  },
  {
    name: "rclone, defaults",
    program: "rclone",
    version: ["version"],
    copy: (root) => ["rclone", "copy", root, "bench:bench"],
    verify: (root) => ["rclone", "check", root, "bench:bench"],
    verifyFully: (root) => ["rclone", "check", "--download", root, "bench:bench"],
    down: (root) => ["rclone", "copy", "bench:bench", root],
    proves: "content",
  },
  {
    name: "rclone, tuned",
    program: "rclone",
    version: ["version"],
    copy: (root) => ["rclone", "copy", ...TUNED, root, "bench:bench"],
    verify: (root) => ["rclone", "check", "--checkers", "128", "--fast-list", root, "bench:bench"],
    proves: "content",
  },
  {
    name: "aws s3 sync",
    program: "aws",
    version: ["--version"],
    copy: (root) => ["aws", "s3", "sync", "--only-show-errors", root, "s3://bench"],
    verify: (root) => ["aws", "s3", "sync", "--dryrun", root, "s3://bench"],
    proves: "size, time",
  },
  {
    name: "s5cmd sync",
    program: "s5cmd",
    version: ["version"],
    copy: (root) => ["s5cmd", "--log", "error", "sync", `${root}/`, "s3://bench/"],
    verify: (root) => ["s5cmd", "--dry-run", "sync", `${root}/`, "s3://bench/"],
    proves: "size, time",
  },
  {
    name: "s3-sync-client (npm)",
    copy: (root) => node("s3-sync-client.mjs", "copy", root),
    verify: (root) => node("s3-sync-client.mjs", "verify", root),
    proves: "size, time",
  },
  {
    name: "loop: HEAD + PUT + HEAD",
    copy: (root, limit) => node("sequential-loop.mjs", "copy", root, String(limit)),
    verify: (root, limit) => node("sequential-loop.mjs", "verify", root, String(limit)),
    proves: "size",
    isLoop: true,
  },
];

/** Returns the version that a program prints, or undefined if it is not installed. */
export function versionOf({ program, version }) {
  if (program === undefined) return "";
  const { error, stdout, stderr, status } = spawnSync(program, version, { encoding: "utf8" });
  return error !== undefined || status !== 0 ? undefined : (stdout || stderr).split("\n")[0].trim();
}
