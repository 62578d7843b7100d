import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import { isAbandoned, ownerState, processOwner, UNKNOWN_OWNER_AGE_MS } from "./process-owner.ts";

const MODULE = new URL("../../dist/bytes/process-owner.js", import.meta.url).href;
const [machine = "", pid = "", start = ""] = processOwner().split(".");
const children = new Set<ReturnType<typeof spawn>>();

afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
});

/** Starts a process that prints its owner and waits. */
async function startOther(): Promise<{ owner: string; end(): Promise<void> }> {
  const program = `import { processOwner } from ${JSON.stringify(MODULE)};
    process.stdout.write(processOwner());
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.add(child);
  if (child.stdout === null) throw new Error("no pipe");
  const [owner] = await once(child.stdout, "data");
  return {
    owner: String(owner),
    async end() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

describe("ownerState", () => {
  it("is alive for this process, for its threads and for another process while it runs, then dead", async () => {
    expect(processOwner()).toMatch(/^[0-9a-f]{12}\.\d+\.\d+$/);
    expect(ownerState(`.parquetry-${processOwner()}.abc.tmp`)).toBe("alive");
    const worker = new Worker(
      `import(${JSON.stringify(MODULE)}).then(({ processOwner, ownerState }) =>
         require("node:worker_threads").parentPort.postMessage([processOwner(), ownerState(${JSON.stringify(processOwner())})]))`,
      { eval: true },
    );
    expect(await once(worker, "message")).toEqual([[processOwner(), "alive"]]);
    await worker.terminate();
    const other = await startOther();
    expect(other.owner.startsWith(`${machine}.`)).toBe(true);
    expect(ownerState(`prefix-${other.owner}.suffix`)).toBe("alive");
    await other.end();
    expect(ownerState(`prefix-${other.owner}.suffix`)).toBe("dead");
  });

  it.runIf(start !== "0")("is dead for a process whose id another one has got since", async () => {
    const other = await startOther();
    const [, otherPid, otherStart] = other.owner.split(".");
    expect(ownerState(`${machine}.${otherPid}.${Number(otherStart) - 1}`)).toBe("dead");
    expect(ownerState(`${machine}.${pid}.${Number(start) + 1}`)).toBe("dead");
    expect(ownerState(`${machine}.${otherPid}.${otherStart}`)).toBe("alive");
  });

  it.runIf(start !== "0")(
    "is dead for a process that was killed and that its parent has not collected",
    async () => {
      // The shell becomes a program that never waits for its children.
      const child = spawn("sh", ["-c", "sleep 60 & echo $!; exec sleep 60"], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      children.add(child);
      const [line] = await once(child.stdout, "data");
      const id = Number(String(line));
      const stat = (): string[] =>
        readFileSync(`/proc/${id}/stat`, "latin1")
          .replace(/^.*\) /, "")
          .split(" ");
      const owner = `${machine}.${id}.${stat()[19]}`;
      expect(ownerState(owner)).toBe("alive");
      process.kill(id, "SIGKILL");
      await expect.poll(() => stat()[0]).toBe("Z");
      expect(ownerState(owner)).toBe("dead");
    },
  );

  it.each([
    ["another machine or boot", `000000000000.${pid}.${start}`],
    ["no owner", "0123456789abcdef01234567.tmp"],
    ["the empty name", ""],
    ["a process group", `${machine}.0.${start}`],
    ["a process without a start time", `${machine}.${process.ppid}.0`],
    ["letters in place of an id", `${machine}.x.${start}`],
    ["a longer hash", `0${machine}.${pid}.${start}`],
  ])("is unknown for %s", (_, name) => {
    expect(ownerState(name)).toBe("unknown");
  });
});

describe("isAbandoned", () => {
  it("is true for a dead owner at once, for an unknown one after a day, and never for a living one", () => {
    const now = Date.now();
    const old = now - UNKNOWN_OWNER_AGE_MS - 60_000;
    const cases = [
      [processOwner(), false, false],
      [`${machine}.${pid}.${Number(start) + 1}`, true, true],
      [`000000000000.${pid}.${start}`, false, true],
      ["0123456789abcdef01234567.tmp", false, true],
    ] as const;
    for (const [name, whenNew, whenOld] of cases) {
      expect(isAbandoned(name, now), name).toBe(whenNew);
      expect(isAbandoned(name, now + 3_600_000), name).toBe(whenNew);
      expect(isAbandoned(name, old), name).toBe(whenOld);
    }
  });
});
