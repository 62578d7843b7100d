// Asks one question by SQL, and shows how little of the table it reads: `node sql-pruning.mjs ./data`, an existing folder.
import { openQuery, openStorage } from "parquetry";

const storage = await openStorage(process.argv[2] ?? "./data");
const plays = Array.from({ length: 5_000 }, (_, i) => ({
  year: 2020 + Math.floor(i / 1000),
  week: 1 + (i % 10),
  team: ["Rice", "Navy", "Tulane"][i % 3],
  yards: i % 23,
}));
await storage.writePartitions("raw/plays", plays, { by: ["year", "week"] });

const db = await openQuery(storage);
const { rows, stats } = await db.sql(
  "SELECT team, sum(yards) AS yards FROM plays WHERE year = $year AND week <= 5 GROUP BY team ORDER BY team",
  { year: 2024 },
);
console.log(rows);
const { partitions } = await storage.inspect("raw/plays");
console.log(`read ${stats.tables[0].partitions} of ${partitions} partitions`);
await db.close();
await storage.close();
