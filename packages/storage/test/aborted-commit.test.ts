import { createR2Backend, createS3Backend } from "@parquetry/backend-s3";
import { partition, type Row, Storage } from "@parquetry/core";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const GAME = partition({ year: 2024, week: 1 });
const WRITES: Readonly<
  Record<string, (storage: Storage, rows: Row[], signal: AbortSignal) => Promise<unknown>>
> = {
  write: (storage, rows, signal) => storage.write("raw/games", rows, GAME, { signal }),
  "write that adds": (storage, rows, signal) =>
    storage.write("raw/games", rows, GAME, { signal, overwrite: false }),
  replacePartitions: (storage, rows, signal) =>
    storage.replacePartitions("raw/games", [{ partition: GAME, rows }], { signal }),
  writePartitions: (storage, rows, signal) =>
    storage.writePartitions(
      "raw/games",
      rows.map((row) => ({ ...row, year: 2024, week: 1 })),
      { by: ["year", "week"], signal },
    ),
};

describe.each(["s3", "r2"] as const)(
  "a write to %s that is aborted while its manifest is being stored",
  (profile) => {
    let server: S3Server;
    let storage: Storage;

    beforeAll(async () => {
      server = await startS3Server({ buckets: ["tables"], profile });
      const { endpoint, credentials } = server;
      const open = profile === "s3" ? createS3Backend : createR2Backend;
      storage = new Storage(open({ bucket: "tables", endpoint, credentials }));
    });
    afterAll(async () => {
      await storage.close();
      await server.close();
    });

    it.each(
      Object.entries(WRITES).flatMap(([name, write]) => [
        [name, "aborted", undefined, write] as const,
        [name, "timeout", new DOMException("late", "TimeoutError"), write] as const,
      ]),
    )("leaves the old rows or the new ones, and no error: %s, %s", async (_, code, reason, write) => {
      await storage.write("raw/games", [{ points: 1 }], GAME);
      const controller = new AbortController();
      // The store commits, and the answer never arrives.
      server.setFaults([{ operation: "PutObject", key: /_manifest\.json$/, fault: { kind: "stall" } }]);
      const puts = server.requests.count("PutObject");
      const writing = write(storage, [{ points: 2 }], controller.signal);
      writing.catch(() => {});
      while (server.requests.count("PutObject") < puts + 2) await new Promise((done) => setTimeout(done, 2));
      controller.abort(reason);
      await expect(writing).rejects.toMatchObject({ code });
      server.setFaults([]);
      const points = (await storage.readIndex("raw/games")).map((row) => row["points"]);
      expect([[1], [2], [1, 2]]).toContainEqual(points.sort());
      // The next write is not held up, and removes what is left.
      await storage.write("raw/games", [{ points: 3 }], GAME);
      expect((await storage.readIndex("raw/games")).map((row) => row["points"])).toEqual([3]);
      expect((await storage.repair("raw/games", { dryRun: true })).removed).toEqual([]);
    });
  },
);
