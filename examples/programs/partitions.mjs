// Writes and reads partitions in a folder: `node partitions.mjs ./data`, an existing folder. An s3:// or r2:// URL works as well.
import { openStorage, partition } from "parquetry";

const storage = await openStorage(process.argv[2] ?? "./data");

await storage.write("raw/games", [{ home: "Rice", points: 27 }], partition({ year: 2024, week: 1 }));
await storage.write("raw/games", [{ home: "Tulane", points: 31 }], partition({ year: 2024, week: 2 }));
// The same call again replaces the partition, so a program that was interrupted can simply run again.
await storage.write("raw/games", [{ home: "Tulane", points: 34 }], partition({ year: 2024, week: 2 }));
await storage.write("raw/games", [{ home: "Navy", points: 21 }], partition({ year: 2024, week: 2 }), {
  overwrite: false, // adds rows
});

console.log(
  await storage.readIndex("raw/games", { year: "2024", week: "2" }, { columns: ["home", "points"] }),
);
await storage.close();
