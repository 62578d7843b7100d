// Bundles the command so that it starts fast (docs/decisions/0019, 0031). The library in dist/ stays as tsc emits it.
import { copyFileSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { rolldown } from "rolldown";
import { joinLicences, thirdPartyLicences } from "../../scripts/third-party-licences.mjs";

const OUT = join(import.meta.dirname, "dist/bin");

/** A file of a package, which the last of these packages finds, each found by the one before it. */
const fileOf = (names, file) => {
  const manifest = names.reduce(
    (from, name) => createRequire(from).resolve(`${name}/package.json`),
    import.meta.filename,
  );
  return join(dirname(manifest), file);
};

/** The AWS SDK stays in node_modules, where only the backend that depends on it finds it under every package manager. */
const AWS = "@aws-sdk/client-s3";
const requireAws = {
  name: "require-aws",
  resolveId: (id) => (id === AWS ? `\0${AWS}` : undefined),
  load: (id) =>
    id === `\0${AWS}`
      ? `import { createRequire } from "node:module";
         const find = (from, name) => createRequire(from).resolve(name + "/package.json");
         const backend = ["@parquetry/storage", "@parquetry/backend-s3"].reduce(find, import.meta.url);
         export const { S3Client } = createRequire(backend)("${AWS}");`
      : undefined,
};

for (const file of readdirSync(OUT))
  if (!file.includes(".d.ts")) rmSync(join(OUT, file), { recursive: true });
const bundle = await rolldown({
  input: {
    parquetry: join(import.meta.dirname, "src/bin/parquetry.ts"),
    // A worker is started by its file name, next to the code that starts it.
    "reading-thread-worker": fileOf(
      ["@parquetry/storage", "@parquetry/backend-local"],
      "dist/reading-thread-worker.js",
    ),
    "untrusted-worker": fileOf(["@parquetry/core"], "dist/parquet/untrusted-worker.js"),
  },
  platform: "node",
  transform: { target: "node20.19" },
  plugins: [requireAws],
  // No command returns an Arrow table.
  external: [/^@duckdb\//, "@uwdata/flechette"],
  // Some modules of @parquetry/storage are loaded on demand by one entry point, and at once by the other.
  checks: { ineffectiveDynamicImport: false },
});
const output = {
  dir: OUT,
  sourcemap: true,
  // A stack needs names and lines only.
  sourcemapExcludeSources: true,
  minify: true,
  entryFileNames: "[name].js",
  chunkFileNames: "[name]-[hash].js",
};

// Each file takes half a millisecond to load, and code that a command does not need takes time to compile. The code that every
// command starts with becomes one file, that of SQL and tables another, and that of several other commands a third.
const chunks = new Map((await bundle.generate(output)).output.map((chunk) => [chunk.fileName, chunk]));
const isDuckDb = (name) => name.startsWith("@duckdb/");
const modulesOf = (...roots) => {
  const found = new Set();
  const collect = ({ moduleIds, imports }) => {
    // The code that runs DuckDB is loaded on demand: DuckDB's packages are not found from here, and may not be installed.
    if (imports.some(isDuckDb)) return;
    for (const id of moduleIds) found.add(id);
    for (const name of imports) if (chunks.has(name)) collect(chunks.get(name));
  };
  for (const chunk of chunks.values())
    if (roots.includes(chunk.name) || roots.includes(chunk.facadeModuleId)) collect(chunk);
  return found;
};
const start = modulesOf("run-process");
const migrate = modulesOf(
  "migrate-command",
  ...["@parquetry/backend-local", "@parquetry/backend-s3"].map((name) =>
    fileOf(["@parquetry/storage", name], "dist/index.js"),
  ),
);
const sql = modulesOf(
  "query-command",
  fileOf(["@parquetry/query"], "dist/index.js"),
  fileOf(["@parquetry/core"], "dist/unstable-tables.js"),
);
const { output: files } = await bundle.write({
  ...output,
  codeSplitting: {
    groups: [
      // A group includes what its modules import, unless a group above already has it.
      { name: "start", test: (id) => start.has(id), priority: 3 },
      { name: "zod", test: /[\\/]zod[\\/]v4[\\/](?:core|mini|locales)[\\/]/, priority: 2 },
      { name: "shared", test: (id) => migrate.has(id) || !sql.has(id), minShareCount: 2, priority: 1 },
      { name: "sql", test: (id) => sql.has(id) },
    ],
  },
});
await bundle.close();

const eager = files.find(({ name, imports }) => name !== "embedded-duckdb" && imports?.some(isDuckDb));
if (eager) throw new Error(`${eager.fileName} imports DuckDB, which only embedded-duckdb may load`);

// Found next to the code that needs them, as in their own packages.
const program = fileOf(["@parquetry/query"], "dist/duckdb/isolated/child-program.js");
const thread = fileOf(["@parquetry/query"], "dist/files/creating-thread-worker.js");
for (const file of [program, `${program}.map`, thread, `${thread}.map`]) {
  copyFileSync(file, join(OUT, basename(file)));
}
cpSync(fileOf(["@parquetry/ui"], "dist/page"), join(OUT, "page"), { recursive: true });

const licences = thirdPartyLicences(files.flatMap(({ moduleIds = [] }) => moduleIds));
licences.push(readFileSync(join(dirname(program), "THIRD_PARTY_LICENSES"), "utf8"));
writeFileSync(join(OUT, "THIRD_PARTY_LICENSES"), joinLicences(licences));

for (const file of readdirSync(OUT).filter((name) => name.endsWith(".js"))) {
  const text = readFileSync(join(OUT, file), "utf8");
  for (const [, name = ""] of text.matchAll(/["'`]\.\/([^"'`]+)["'`],\s*import\.meta\.url\)/g))
    if (!existsSync(join(OUT, name))) throw new Error(`${file} refers to ${name}, which is not next to it`);
}
