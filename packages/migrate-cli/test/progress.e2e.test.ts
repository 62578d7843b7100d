import { describe, expect, it } from "vitest";
import { createWorld } from "./support/command.ts";

/** Half a second and more, at the bandwidth that the tests ask for. */
const FILES = Object.fromEntries([1, 2, 3].map((i) => [`raw/t/${i}.parquet`, "x".repeat(700_000)]));

describe("progress of parquetry migrate", () => {
  it("is a live line on a terminal, to the end of the copying", async () => {
    await using world = await createWorld();
    world.write(FILES);
    const { exitCode, stderr } = await world.call(["migrate", "--bandwidth", "1MB"], {}, 80);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/[0-2]\/3 files {2}\S+\/2\.1 MB {2}\S+ .B\/s {2}ETA /);
  });
});

describe("progress of parquetry verify", () => {
  it("tells what is to be read, and the seed of a sample", async () => {
    await using world = await createWorld();
    world.write(FILES);
    expect((await world.call(["migrate"])).exitCode).toBe(0);
    world.server.setFaults([{ operation: "GetObject", fault: { kind: "latency", ms: 500 } }]);
    const { exitCode, stderr } = await world.call(["verify", "--level", "sample:100%"], {}, 80);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/0\/3 files {2}\S+\/4\.2 MB {2}\S+ .B\/s {2}ETA /);
    const seed = /The same sample again: --level sample:100% --seed ([0-9a-f]{12})\n/.exec(stderr)?.[1] ?? "";
    const again = await world.call(["verify", "--level", "sample:100%", "--seed", seed]);
    expect(again.stderr).toContain(`--seed ${seed}`);
  });
});
