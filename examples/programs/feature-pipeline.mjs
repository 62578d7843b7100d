// Computes a feature table from plays, one partition a game: `node feature-pipeline.mjs ./data`. Rows come from one season at a time.
import { openStorage, partition } from "parquetry";

const storage = await openStorage(process.argv[2] ?? "./data");

/** Plays of one game, as a scraper would store them. */
function playsOf(gameId) {
  return Array.from({ length: 60 }, (_, play) => ({
    play_id: gameId * 1000 + play,
    drive: Math.floor(play / 6),
    down: (play % 4) + 1,
    distance: 10 - (play % 4) * 2,
    yards: ((play * 7 + gameId) % 15) - 2,
  }));
}
const games = [1, 2, 3, 4].map((gameId) => ({ year: 2024, week: gameId % 2 === 0 ? 2 : 1, game_id: gameId }));
await storage.replacePartitions(
  "raw/plays",
  games.map((game) => ({ partition: partition(game), rows: playsOf(game.game_id) })),
);

/** Yields the features of one game after the other: whether a play was a success, and the yards of its drive so far. */
async function* features() {
  for (const game of games) {
    const plays = await storage.readIndex("raw/plays", game);
    const yardsOfDrive = new Map();
    const rows = plays.map(({ play_id, drive, down, distance, yards }) => {
      yardsOfDrive.set(drive, (yardsOfDrive.get(drive) ?? 0) + yards);
      const needed = distance * (down === 1 ? 0.5 : down === 2 ? 0.7 : 1);
      return { play_id, success: yards >= needed, drive_yards: yardsOfDrive.get(drive) };
    });
    yield { partition: partition(game), rows };
  }
}

const { partitions, rows } = await storage.replacePartitions("processed/features", features());
console.log(`${rows} rows in ${partitions} partitions`);
await storage.close();
