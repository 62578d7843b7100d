// Plain JavaScript with require(): Node 20.19 and later load ES modules by it. `node require.cjs ./data`
const { openStorage, partition } = require("parquetry");

async function main() {
  const storage = await openStorage(process.argv[2] ?? "./data");
  await storage.write("raw/teams", [{ team: "Rice" }, { team: "Navy" }], partition({ year: 2024 }));
  console.log((await storage.readIndex("raw/teams")).map(({ team }) => team).join(", "));
  await storage.close();
}

main();
