import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { processOwner } from "@parquetry/core/unstable";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const FOLDER = /^parquetry-query-/;

/** Opens a database, writes a result to its temporary folder, and waits. With `close` it closes it and ends. */
const program = (isolate: boolean, close: boolean): string => `
import { createMemoryBackend, Storage } from "@parquetry/core";
import { openQuery } from "@parquetry/query";
const db = await openQuery(new Storage(createMemoryBackend()), { isolate: ${isolate} });
await db.toParquet("SELECT range AS a, hash(range) AS h FROM range(100_000)");
process.stdout.write("ready");
${close ? "await db.close();" : "await new Promise((resolve) => setTimeout(resolve, 600_000));"}
`;

/** The temporary folder of all processes of a test. */
let temporary: string;
const running = new Set<ChildProcess>();

beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), "parquetry-temporary-"));
});

afterEach(async () => {
  for (const each of running) each.kill("SIGKILL");
  running.clear();
  await rm(temporary, { recursive: true, force: true });
});

async function start(isolate: boolean, close = false): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", program(isolate, close)], {
    cwd: join(import.meta.dirname, ".."),
    env: {
      ...process.env,
      TMPDIR: temporary,
      TEMP: temporary,
      TMP: temporary,
      PARQUETRY_CACHE_DIR: join(temporary, "cache"),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  running.add(child);
  await once(child.stdout, "data");
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

const folders = async (): Promise<string[]> => (await readdir(temporary)).filter((name) => FOLDER.test(name));

describe.skipIf(process.platform === "win32").each([false, true])("isolate: %s", (isolate) => {
  it("removes the folders of killed processes, and no folder of a living one", async () => {
    const living = await start(isolate);
    const [kept = ""] = await folders();
    const killed = await start(isolate);
    expect(await folders()).toHaveLength(2);
    await kill(killed);
    // Folders of another machine or container, whose process ids mean other processes, and of an older version.
    const others = [
      `parquetry-query-0123456789ab.${process.pid}.1.AbCdEf`,
      `parquetry-query-0123456789ab.${killed.pid}.1.AbCdEf`,
      "parquetry-query-AbCdEf",
    ];
    for (const name of others) await mkdir(join(temporary, name));
    const closing = await start(isolate, true);
    await once(closing, "exit");
    expect((await folders()).sort()).toEqual([kept, ...others].sort());
    await kill(living);
  });

  it("removes the folder of a dead process whose id another one has got since", async () => {
    const [machine, pid, start_] = processOwner().split(".");
    const name = `parquetry-query-${machine}.${pid}.${Number(start_) - 1}.AbCdEf`;
    await mkdir(join(temporary, name, "result"), { recursive: true });
    await once(await start(isolate, true), "exit");
    // Without /proc the start of a process is not known.
    expect(existsSync(join(temporary, name))).toBe(start_ === "0");
  });
});
