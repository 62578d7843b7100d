// Bundles the program of the child process, which starts with every database: a hundred small modules take longer to load than
// DuckDB. DuckDB itself stays in node_modules.
import { createRequire } from "node:module";
import { join } from "node:path";
import { rolldown } from "rolldown";

const PROGRAM = "duckdb/isolated/child-program";
const DUCKDB = "@duckdb/node-api";

/** DuckDB is required: to import it, Node would first search all of its files for the names of their exports. */
const requireDuckDb = {
  name: "require-duckdb",
  resolveId: (id) => (id === DUCKDB ? { id: `\0${DUCKDB}`, moduleSideEffects: false } : undefined),
  load: (id) =>
    id === `\0${DUCKDB}`
      ? `import { createRequire } from "node:module";
         const duckdb = /* @__PURE__ */ createRequire(import.meta.url)("${DUCKDB}");
         ${Object.keys(createRequire(import.meta.url)(DUCKDB))
           .filter((name) => name !== "default")
           .map((name) => `export const ${name} = /* @__PURE__ */ (() => duckdb.${name})();`)
           .join("\n")}`
      : undefined,
};

const bundle = await rolldown({
  input: join(import.meta.dirname, `src/${PROGRAM}.ts`),
  platform: "node",
  transform: { target: "node20.19" },
  treeshake: { moduleSideEffects: false },
  plugins: [requireDuckDb],
});
await bundle.write({
  file: join(import.meta.dirname, `dist/${PROGRAM}.js`),
  format: "esm",
  sourcemap: true,
  minify: true,
});
await bundle.close();
