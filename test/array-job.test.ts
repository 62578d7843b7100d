import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { ROOT } from "./support/sources.ts";

const GUIDE = readFileSync(join(ROOT, "docs/guides/outgrow-one-machine.md"), "utf8");
const COMMAND = join(ROOT, "packages/parquetry/dist/bin/parquetry.js");

it("the guide's array job is an Indexed Job whose pods together copy every file", () => {
  const job = parse(/```yaml\n([\s\S]*?)```/.exec(GUIDE)?.[1] ?? "");
  expect(job).toMatchObject({ apiVersion: "batch/v1", kind: "Job", spec: { completionMode: "Indexed" } });
  const { completions, parallelism, backoffLimitPerIndex, template, ...others } = job.spec;
  expect(Object.keys(others)).toEqual(["completionMode"]);
  expect(Number.isInteger(completions) && parallelism <= completions && backoffLimitPerIndex > 0).toBe(true);
  // A Job accepts no other policy for its pods, besides OnFailure, with which there is no limit for each index.
  expect(template.spec.restartPolicy).toBe("Never");
  const [container] = template.spec.containers;
  const volumes = new Set(template.spec.volumes.map(({ name }: { name: string }) => name));
  for (const { name } of container.volumeMounts) expect(volumes).toContain(name);

  const folder = mkdtempSync(join(tmpdir(), "parquetry-array-job-"));
  try {
    const [from, to] = [join(folder, "from"), join(folder, "to")];
    mkdirSync(join(from, "raw"), { recursive: true });
    mkdirSync(to);
    for (let i = 0; i < 40; i++) writeFileSync(join(from, "raw", `${i}.csv`), `a\n${i}\n`);
    const script = container.args[0]
      .replace("npx --yes parquetry", `${process.execPath} ${COMMAND}`)
      .replace("s3://football", from)
      .replace("r2://football", to);
    const copied = Array.from({ length: completions }, (_, index) => {
      const env = { PATH: process.env.PATH, HOME: folder, JOB_COMPLETION_INDEX: `${index}` };
      const output = execFileSync(container.command[0], [container.command[1], script], {
        env,
        encoding: "utf8",
      });
      return JSON.parse(output.trim().split("\n").at(-1) ?? "").total.copy.files;
    });
    expect(copied.filter((files) => files > 0).length).toBeGreaterThan(1);
    const verify = [COMMAND, "verify", "--from", from, "--to", to];
    expect(execFileSync(process.execPath, verify, { env: { HOME: folder }, encoding: "utf8" })).toContain(
      "missing=0 extra=0 differing=0",
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
