// Bundles the command so that it starts fast (docs/decisions/0019). The library in dist/ stays as tsc emits it.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { rolldown } from "rolldown";

const require = createRequire(import.meta.url);
const OUT = join(import.meta.dirname, "dist/bin");
/** Bundled libraries, whose licences have to travel with the bundle. */
const LIBRARIES = ["commander", "zod"];

for (const file of readdirSync(OUT)) if (/\.js(?:\.map)?$/.test(file)) rmSync(join(OUT, file));
const bundle = await rolldown({
  input: {
    parquetry: join(import.meta.dirname, "src/bin/parquetry.ts"),
    // A worker is started by its file name, next to the code that starts it.
    "reading-thread-worker": join(
      dirname(createRequire(require.resolve("@parquetry/storage")).resolve("@parquetry/backend-local")),
      "reading-thread-worker.js",
    ),
  },
  platform: "node",
  transform: { target: "node20.19" },
  // The SQL commands hand a storage to @parquetry/query, trino and ui, so all take core from node_modules: one copy.
  external: [/^@parquetry\/(?:core|storage|query|trino|ui)$/, /^@aws-sdk\//],
});
const output = {
  dir: OUT,
  sourcemap: true,
  minify: true,
  entryFileNames: "[name].js",
  chunkFileNames: "[name]-[hash].js",
};

// Each file takes half a millisecond to load. What every command starts with becomes one, what several commands share another.
const chunks = new Map((await bundle.generate(output)).output.map((chunk) => [chunk.fileName, chunk]));
const start = new Set();
const collect = ({ moduleIds, imports }) => {
  for (const id of moduleIds) start.add(id);
  for (const name of imports) if (chunks.has(name)) collect(chunks.get(name));
};
collect([...chunks.values()].find(({ name }) => name === "run-process"));
await bundle.write({
  ...output,
  codeSplitting: {
    groups: [
      { name: "start", test: (id) => start.has(id), priority: 2 },
      { name: "zod", test: /[\\/]zod[\\/]v4[\\/](?:core|mini|locales)[\\/]/, priority: 1 },
      { name: "shared", minShareCount: 2 },
    ],
  },
});

const licences = LIBRARIES.map((name) => {
  const text = readFileSync(join(dirname(require.resolve(name)), "LICENSE"), "utf8");
  return `${name}\n\n${text}`;
});
writeFileSync(join(OUT, "THIRD_PARTY_LICENSES"), licences.join("\n---\n\n"));

for (const file of readdirSync(OUT).filter((name) => name.endsWith(".js"))) {
  const text = readFileSync(join(OUT, file), "utf8");
  for (const [, name = ""] of text.matchAll(/new URL\("([^"]+)", import\.meta\.url\)/g))
    if (!existsSync(join(OUT, name))) throw new Error(`${file} refers to ${name}, which is not next to it`);
}
