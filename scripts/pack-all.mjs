import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGES = join(dirname(fileURLToPath(import.meta.url)), "..", "packages");

/** Runs a program and returns its stdout. */
export function run(command, args, cwd, env = {}) {
  return execFileSync(command, args, {
    cwd,
    // npm and npx are shell scripts on Windows. Node itself is in a path with a space there, which a shell would split.
    shell: process.platform === "win32" && command !== process.execPath,
    encoding: "utf8",
    env: { ...process.env, npm_config_fund: "false", npm_config_audit: "false", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
}

/** Packs every package as it would be published. Returns the manifest and the tarball of each, by name. */
export function packAll(work) {
  const packages = new Map();
  const tarballs = join(work, "tarballs");
  mkdirSync(tarballs);
  for (const folder of readdirSync(PACKAGES)) {
    const cwd = join(PACKAGES, folder);
    const manifest = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8"));
    const before = new Set(readdirSync(tarballs));
    run("npx", ["-y", "pnpm@12", "pack", "--pack-destination", tarballs], cwd);
    const [tarball] = readdirSync(tarballs).filter((file) => !before.has(file));
    packages.set(manifest.name, { manifest, file: join(tarballs, tarball) });
  }
  return packages;
}
