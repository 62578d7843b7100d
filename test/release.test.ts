import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FOLDER_OF, manifest, PACKAGES, ROOT } from "./support/sources.ts";

const work = mkdtempSync(join(tmpdir(), "parquetry-release-"));

/** Every package of the workspace, as pnpm-workspace.yaml lists them: those that are not published, too. */
const WORKSPACE = [
  "bench",
  "docs",
  ...["packages", "examples"].flatMap((folder) =>
    readdirSync(join(ROOT, folder)).map((name) => join(folder, name)),
  ),
];

/** Computes the versions and changelogs in a copy of the manifests and changesets. */
beforeAll(() => {
  for (const name of ["package.json", "pnpm-workspace.yaml", ".changeset"])
    cpSync(join(ROOT, name), join(work, name), { recursive: true });
  for (const folder of WORKSPACE) {
    mkdirSync(join(work, folder), { recursive: true });
    cpSync(join(ROOT, folder, "package.json"), join(work, folder, "package.json"));
  }
  symlinkSync(join(ROOT, "node_modules"), join(work, "node_modules"), "junction");
  const git = (...args: string[]): unknown =>
    execFileSync("git", ["-c", "user.name=test", "-c", "user.email=test@example.com", ...args], {
      cwd: work,
    });
  git("init", "-q", "-b", "main");
  git("add", "package.json", "packages", ".changeset");
  git("commit", "-qm", "test");
  const changeset = join(ROOT, "node_modules", "@changesets", "cli", "bin.js");
  execFileSync(process.execPath, [changeset, "version"], { cwd: work, stdio: "pipe" });
});

afterAll(() => rmSync(work, { recursive: true, force: true }));

describe.each(PACKAGES)("the next release of packages/%s", (name) => {
  const { version, name: ownName, peerDependencies = {} } = manifest(name);

  it.runIf(version === "0.0.0")("is 0.1.0", () => {
    const released = JSON.parse(readFileSync(join(work, "packages", name, "package.json"), "utf8"));
    expect(released.version, ownName).toBe("0.1.0");
  });

  it("has peer ranges that the release stays within, because leaving one makes it a major", () => {
    for (const [peer, range] of Object.entries(peerDependencies))
      if (FOLDER_OF.has(peer)) expect(range, peer).toBe("workspace:0.x");
  });

  it("has a changelog", () => {
    const changelog = readFileSync(join(work, "packages", name, "CHANGELOG.md"), "utf8");
    expect(changelog).toMatch(/^## \d+\.\d+\.\d+$/m);
    expect(changelog, "commits and our own packages are no news").not.toMatch(
      /^- [0-9a-f]{7}: |Updated dependencies/m,
    );
  });
});
