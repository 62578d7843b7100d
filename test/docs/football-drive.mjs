import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openStorage } from "../../packages/parquetry/dist/index.js";

const TEAMS = ["Air Force", "Army", "Navy", "Rice", "San José State", "Texas A&M", "Tulane", "UTEP"];
const PLAYS_PER_GAME = 12;

/**
 * Writes the drive of the guides: `football` with two seasons of four weeks, as pandas and a Python system leave it. Each partition has a
 * `data.parquet` with a `manifest.json`, and macOS has left a `._` file. Rosters are CSV. The same bytes every time.
 */
export async function writeDrive(drive) {
  const root = join(drive, "football");
  await mkdir(root);
  const storage = await openStorage(root);
  const writePartition = async (entity, folder, rows) => {
    await storage.writeParquet(`${entity}/${folder}/data.parquet`, rows);
    const fields = Object.entries(rows[0] ?? {}).map(([name, value]) => ({
      name,
      type: typeof value === "string" ? "string" : "int64",
      nullable: true,
    }));
    const manifest = {
      entity,
      rows: rows.length,
      write_time: "2025-02-01T12:00:00+00:00",
      schema_version: 1,
      schema: { fields },
    };
    await writeFile(join(root, entity, folder, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  };
  for (const year of [2023, 2024]) {
    for (let week = 1; week <= 4; week++) {
      const games = TEAMS.slice(0, 4).map((home, i) => ({
        game_id: year * 10_000 + week * 100 + i,
        home,
        away: TEAMS[4 + ((i + week) % 4)] ?? "",
      }));
      await writePartition("raw/games", `year=${year}/week=${week}`, games);
      for (const { game_id, home, away } of games) {
        const plays = Array.from({ length: PLAYS_PER_GAME }, (_, i) => ({
          play_id: game_id * 100 + i,
          team: i % 3 === 0 ? away : home,
          down: (i % 4) + 1,
          yards: ((game_id + i * 7) % 23) - 4,
        }));
        const folder = `year=${year}/week=${week}/game_id=${game_id}`;
        await writePartition("raw/plays", folder, plays);
        const gained = plays.map(({ play_id, team, yards }) => ({
          play_id,
          team,
          gained: Math.max(yards, 0),
        }));
        await writePartition("processed/byplay", folder, gained);
      }
    }
    const roster = TEAMS.map((team, i) => `${team},${i % 3 === 0 ? "" : 80 + i}`).join("\n");
    await mkdir(join(root, `raw/rosters/year=${year}`), { recursive: true });
    await writeFile(join(root, `raw/rosters/year=${year}/data.csv`), `team,players\n${roster}\n`);
  }
  await writeFile(join(root, "raw/plays/._.DS_Store"), "macOS");
  await storage.close();
}
