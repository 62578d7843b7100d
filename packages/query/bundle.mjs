// Bundles the program of the child process, which starts with every database: hundreds of small modules take longer to load than
// DuckDB itself (docs/decisions/0031).
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { rolldown } from "rolldown";

const PROGRAM = join("duckdb", "isolated", "child-program");
const BINDINGS = "@duckdb/node-bindings";

/**
 * The native part of DuckDB stays in node_modules. It is required from this package, which depends on it, because the program is
 * also copied into the bundle of the command.
 */
const requireBindings = {
  name: "require-bindings",
  resolveId: (id) => (id === BINDINGS ? { id: `\0${BINDINGS}`, moduleSideEffects: false } : undefined),
  load: (id) =>
    id === `\0${BINDINGS}`
      ? `import { createRequire } from "node:module";
         const own = createRequire(import.meta.url).resolve("@parquetry/query/package.json");
         export default createRequire(own)("${BINDINGS}");`
      : undefined,
};

const bundle = await rolldown({
  input: join(import.meta.dirname, "src", `${PROGRAM}.ts`),
  platform: "node",
  transform: { target: "node20.19" },
  treeshake: { moduleSideEffects: false },
  plugins: [requireBindings],
});
const file = join(import.meta.dirname, "dist", `${PROGRAM}.js`);
await bundle.write({ file, format: "esm", sourcemap: true, sourcemapExcludeSources: true, minify: true });
await bundle.close();

const duckdb = dirname(createRequire(import.meta.url).resolve("@duckdb/node-api/package.json"));
const licence = readFileSync(join(duckdb, "LICENSE"), "utf8");
writeFileSync(join(dirname(file), "THIRD_PARTY_LICENSES"), `@duckdb/node-api\n\n${licence}`);
