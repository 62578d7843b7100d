// The program of the page. It reads partitions from a store behind fetch, writes others into it, and shows what it found.
import { partition, Storage } from "@parquetry/core";
import { createKeyValueBackend } from "../custom-backend/key-value-backend.mjs";
import { FetchStore } from "./fetch-store.mjs";

const storage = new Storage(createKeyValueBackend(new FetchStore()));

async function run() {
  const plays = await storage.readIndex("raw/plays", { year: 2024 });
  const codecs = await storage.readIndex("raw/codecs");
  const scores = await storage.readIndex("raw/scores");

  const byTeam = Map.groupBy(plays, ({ team }) => team);
  const rows = [...byTeam].map(([team, of]) => ({ team, plays: of.length, when: new Date("2024-09-01") }));
  const week = partition({ year: 2024, week: 1 });
  await storage.write("processed/teams", [{ team: "of an earlier run", plays: 0, when: null }], week);
  const written = await storage.write("processed/teams", rows, week); // replaces the partition
  await storage.write("processed/teams", [{ team: "Navy", plays: 1, when: null }], week, {
    overwrite: false,
  });
  await storage.writeCsv("processed/teams.csv", rows);

  // Of writers that race, one commits whole.
  const race = await Promise.allSettled(
    ["a", "b", "c"].map((writer) => storage.write("processed/race", [{ writer }], partition({ year: 2024 }))),
  );
  const lost = race.filter(({ status }) => status === "rejected").map(({ reason }) => reason.code);
  const winners = await storage.readIndex("processed/race");

  const [untrusted] = await Promise.allSettled([
    storage.readParquet("raw/codecs/codec=gzip/rows.parquet", { untrusted: true }),
  ]);
  return { plays, codecs, scores, written, lost, winners, untrusted: untrusted.reason?.code };
}

try {
  globalThis.found = await run();
  document.body.append(
    `${globalThis.found.plays.length} plays read, ${globalThis.found.written} rows written`,
  );
} catch (error) {
  globalThis.found = { error: String(error.stack ?? error) };
}
