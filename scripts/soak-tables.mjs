// The long proofs of tables: damaged files. `node scripts/soak-tables.mjs [damaged files]`.
import { fuzzReader } from "./soak-tables/fuzz-reader.mjs";

const python = process.env.PARQUETRY_PYTHON;
const files = Number(process.argv[2] ?? 50_000);
const result = await fuzzReader(files, { python });
console.log(result);
process.exit(result.hangs.length + result.deaths.length === 0 ? 0 : 1);
