// The processor time of a full scan per file, which unlike its duration hardly depends on what else the machine does.
import { join } from "node:path";
import { Storage } from "@parquetry/core";
import { openQuery } from "@parquetry/query";

let caches = 0;

/**
 * Prints a row: a scan by a new cache, the next one, and the first by another database, which finds what the first has kept. DuckDB
 * runs in this process, so that its time is counted.
 */
export async function benchCpuPerFile(work, name, openBackend, sql) {
  const cacheDirectory = join(work, `cache-cpu-${++caches}`);
  const scan = async (rounds) => {
    const storage = new Storage(await openBackend());
    const db = await openQuery(storage, { cacheDirectory, isolate: false });
    const found = [];
    for (let round = 0; round < rounds; round++) {
      const before = process.cpuUsage();
      const { stats } = await db.sql(sql);
      const { user, system } = process.cpuUsage(before);
      found.push((user + system) / 1000 / stats.tables[0].files);
    }
    await db.close();
    await storage.close();
    return found;
  };
  const [cold, warm] = await scan(2);
  const [later] = await scan(1);
  console.log(`| ${name} | ${[cold, warm, later].map((ms) => ms.toFixed(3)).join(" | ")} |`);
}

export function printCpuHeader() {
  console.log("\nProcessor time of a full scan, in ms per file\n");
  console.log("| store | cold | warm | another database |\n| --- | --- | --- | --- |");
}
