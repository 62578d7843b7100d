import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { describe, expect, it } from "vitest";
import {
  codeOf,
  FOLDER_OF,
  importCircles,
  importsOf,
  manifest,
  PACKAGES,
  ROOT,
  resolved,
  sources,
} from "./support/sources.ts";

/** The packages that each package may import, as docs/architecture.md draws it. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  "backend-local": ["core"],
  "backend-s3": ["core"],
  storage: ["core", "backend-local", "backend-s3"],
  query: ["core"],
  trino: ["core", "query"],
  ui: ["core", "query"],
  "migrate-cli": ["core", "storage", "query", "trino", "ui"],
  parquetry: ["core", "storage", "query", "ui", "migrate-cli"],
  testkit: ["core"],
};

/** The packages that are bundled into another one, and are therefore not among its dependencies. */
const BUNDLED: Readonly<Record<string, readonly string[]>> = {
  "migrate-cli": ["@parquetry/trino", "@parquetry/ui"],
};

/** The packages that may import a dependency. */
const ONLY_IN: Readonly<Record<string, readonly string[]>> = {
  "@aws-sdk/client-s3": ["backend-s3"],
  "@duckdb/node-api": ["query"],
  "@uwdata/flechette": ["query"],
  commander: ["migrate-cli", "testkit"],
  hyparquet: ["core"],
  "hyparquet-writer": ["core"],
  zod: ["storage", "migrate-cli"],
};

/** By package, the rooms that each room may import. The entry points above them may import any. */
const ROOMS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  core: {
    // Imported as "#platform".
    platform: [],
    bytes: ["bytes"],
    parquet: ["bytes", "parquet"],
    csv: ["bytes", "csv"],
    hive: ["bytes", "hive"],
    table: ["bytes", "parquet", "csv", "hive", "table"],
  },
  query: {
    statement: ["statement"],
    files: ["statement", "files"],
    duckdb: ["statement", "files", "duckdb"],
    tables: ["statement", "files", "duckdb", "tables"],
    plan: ["statement", "files", "duckdb", "tables", "plan"],
    compact: ["statement", "files", "duckdb", "tables", "compact"],
    database: ["statement", "files", "duckdb", "tables", "plan", "compact", "database"],
    ddl: ["statement", "duckdb", "tables", "database", "ddl"],
  },
};

/** Code that finds an ability by name, or decides by the text of an error message. */
const SNIFFING =
  /" in \w*(?:backend|source|target|inner)\b|\bmessage\??\.(?:includes|match|search|startsWith|endsWith)\(|\.(?:test|exec)\([^()]*\bmessage\b/i;

/** Files that may read the text of a message, and why. */
const MAY_READ_MESSAGES: Readonly<Record<string, string>> = {
  "core/parquet/open-parquet.ts": "hyparquet reports unsupported encodings by message only",
  "query/duckdb/duckdb-error.ts": "DuckDB reports causes by message only",
  "query/statement/gate.ts": "its `source` is a node of the syntax tree",
  "testkit/conformance/error-cases.ts": "the suite checks that a message names the key",
};

/** The name of the package in an import: `@parquetry/core/backend` is of `@parquetry/core`. */
function packageOf(specifier: string): string {
  const [first = "", second = ""] = specifier.split("/");
  return first.startsWith("@") ? `${first}/${second}` : first;
}

/** The source file of an entry point of ours: `@parquetry/core/backend` is core's `src/backend.ts`. */
function entryFile(specifier: string): string | undefined {
  const name = packageOf(specifier);
  const folder = FOLDER_OF.get(name);
  if (folder === undefined) return undefined;
  const target = manifest(folder).exports[`.${specifier.slice(name.length)}`];
  if (target === undefined || typeof target === "string") throw new Error(`unknown entry point ${specifier}`);
  const { default: built } = target;
  return join(ROOT, "packages", folder, built.replace("./dist/", "src/").replace(/\.js$/, ".ts"));
}

/** All that is loaded with a source file: what it imports statically, through every package of ours. */
function loadedWith(file: string, loaded: Set<string> = new Set()): ReadonlySet<string> {
  if (loaded.has(file)) return loaded;
  loaded.add(file);
  for (const { specifier, kind } of importsOf(file)) {
    if (kind !== "value") continue;
    const entry = entryFile(specifier);
    if (specifier.startsWith(".")) loadedWith(resolved(file, specifier), loaded);
    else if (entry !== undefined) loadedWith(entry, loaded);
    else loaded.add(specifier);
  }
  return loaded;
}

describe.each(PACKAGES)("packages/%s", (name) => {
  const { name: ownName, imports = {}, dependencies = {}, peerDependencies = {} } = manifest(name);
  const files = sources(name);
  const inPackage = (file: string): string =>
    relative(join(ROOT, "packages", name, "src"), file).replaceAll(sep, "/");

  it("is in the plan of the house", () => {
    expect(MAY_IMPORT).toHaveProperty(name);
  });

  it("imports only packages that the plan allows and package.json declares", () => {
    const allowed = (MAY_IMPORT[name] ?? []).map((other) => manifest(other).name);
    for (const file of files) {
      for (const { specifier } of importsOf(file)) {
        const imported = packageOf(specifier);
        if (specifier.startsWith(".") || specifier.startsWith("node:") || imported === ownName) continue;
        if (Object.hasOwn(imports, imported)) continue;
        const declared = [...Object.keys(dependencies), ...Object.keys(peerDependencies)];
        expect([...declared, ...(BUNDLED[name] ?? [])], file).toContain(imported);
        if (FOLDER_OF.has(imported)) expect(allowed, file).toContain(imported);
        const owners = ONLY_IN[imported];
        if (owners !== undefined) expect(owners, `${file} imports ${imported}`).toContain(name);
      }
    }
  });

  it("imports every dependency that it declares", () => {
    const used = files.flatMap(importsOf).map(({ specifier }) => packageOf(specifier));
    for (const dependency of Object.keys(dependencies)) expect(used, dependency).toContain(dependency);
  });

  it("has no circle of imports", () => {
    const circles = importCircles(files).map((circle) => [...circle, circle[0] ?? ""].map(inPackage));
    expect(circles.map((circle) => circle.join(" -> "))).toEqual([]);
  });

  it("finds no ability by name and decides nothing by the text of an error", () => {
    const places = files.map((file) => ({
      file: `${name}/${inPackage(file)}`,
      lines: codeOf(file)
        .split("\n")
        .filter((line) => SNIFFING.test(line)),
    }));
    const isAllowed = ({ file }: { readonly file: string }): boolean => file in MAY_READ_MESSAGES;
    const found = places.filter(({ lines }) => lines.length > 0);
    expect(found.filter((place) => !isAllowed(place))).toEqual([]);
    expect(found.filter(isAllowed), "every exception is needed").toEqual(places.filter(isAllowed));
  });

  it("has a README and small files with telling names", () => {
    expect(readFileSync(join(ROOT, "packages", name, "README.md"), "utf8")).toContain(`# ${ownName}`);
    for (const file of files) {
      expect(file).not.toMatch(/[\\/](?:utils?|helpers?|common|misc|shared|types)\.ts$/);
      expect(file).toMatch(/[\\/][a-z0-9]+(?:-[a-z0-9]+)*\.ts$/);
    }
  });
});

describe("the command", () => {
  it("is one: only its packages have an executable, besides testkit's server", () => {
    const withBin = PACKAGES.filter((name) => manifest(name).bin !== undefined);
    expect(withBin).toEqual(["migrate-cli", "parquetry", "testkit"]);
  });

  it("loads optional peers only when a command needs them", () => {
    for (const file of sources("migrate-cli")) {
      for (const { specifier, kind } of importsOf(file)) {
        const isPeer = manifest("migrate-cli").peerDependencies?.[packageOf(specifier)] !== undefined;
        if (isPeer) expect(kind, `${file} imports ${specifier}`).not.toBe("value");
      }
    }
  });

  it("is started by the bin of parquetry through @parquetry/migrate-cli/command", () => {
    const bin = join(ROOT, "packages", "parquetry", "src", "bin", "parquetry.ts");
    expect(importsOf(bin).map(({ specifier }) => specifier)).toEqual(["@parquetry/migrate-cli/command"]);
    for (const name of PACKAGES) {
      for (const file of sources(name)) {
        const imports = importsOf(file).map(({ specifier }) => specifier);
        if (file !== bin) expect(imports, file).not.toContain("@parquetry/migrate-cli/command");
      }
    }
  });
});

describe.each(Object.entries(ROOMS))("packages/%s", (name, mayImport) => {
  const rooms = join(ROOT, "packages", name, "src");
  const roomOf = (file: string): string | undefined =>
    relative(rooms, file).split(sep).at(-2) && relative(rooms, file).split(sep)[0];

  it("has imports in one direction between its rooms", () => {
    const wrong = sources(name).flatMap((file) => {
      const room = roomOf(file);
      if (room === undefined) return [];
      return importsOf(file)
        .filter(({ specifier }) => specifier.startsWith("."))
        .filter(({ specifier }) => !mayImport[room]?.includes(roomOf(resolved(file, specifier)) ?? ""))
        .map(({ specifier }) => `${relative(rooms, file)} imports ${specifier}`);
    });
    expect(wrong).toEqual([]);
  });

  it("has only entry points above its rooms", () => {
    const entries = Object.values(manifest(name).exports).flatMap((entry) =>
      typeof entry === "string" ? [] : [entry.default.replace(/^\.\/dist\/(.*)\.js$/, "$1.ts")],
    );
    const above = sources(name).filter((file) => roomOf(file) === undefined);
    expect(above.map((file) => relative(rooms, file)).sort()).toEqual(entries.sort());
  });
});

describe("packages/core", () => {
  it("imports Node by #platform, which browsers replace, except where only Node runs", () => {
    const direct = sources("core").filter((file) =>
      importsOf(file).some(({ specifier, kind }) => kind !== "type" && specifier.startsWith("node:")),
    );
    const src = join(ROOT, "packages", "core", "src");
    expect(direct.map((file) => relative(src, file).replaceAll(sep, "/")).sort()).toEqual([
      "bytes/cache-directory.ts",
      "bytes/process-owner.ts",
      "parquet/untrusted-worker.ts",
      "platform/node.ts",
    ]);
  });
});

describe("the repository", () => {
  it("has one template of the environment: .env.example is what `parquetry init` writes", async () => {
    const { ENV_TEMPLATE } = await import("../packages/migrate-cli/src/env-template.ts");
    expect(readFileSync(join(ROOT, ".env.example"), "utf8")).toBe(ENV_TEMPLATE);
  });

  it("has changesets that a release can read, each of a package that is there", () => {
    const folder = join(ROOT, ".changeset");
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".md"))) {
      const [, head = "", text = ""] =
        /^---\n((?:"[^"\n]+": (?:major|minor|patch)\n)+)---\n([\s\S]*)$/.exec(
          readFileSync(join(folder, file), "utf8"),
        ) ?? [];
      expect(text.trim(), file).not.toBe("");
      for (const [, name = ""] of head.matchAll(/^"(.+)":/gm))
        expect([...FOLDER_OF.keys()], file).toContain(name);
    }
  });

  it("links every decision from their index", () => {
    const folder = join(ROOT, "docs", "decisions");
    const index = readFileSync(join(folder, "README.md"), "utf8");
    for (const file of readdirSync(folder)) if (file !== "README.md") expect(index).toContain(`(${file})`);
  });

  it("links every package from the README", () => {
    const readme = readFileSync(join(ROOT, "README.md"), "utf8");
    for (const name of PACKAGES) expect(readme).toContain(`packages/${name}`);
  });
});

describe.each(["backend-local", "backend-s3", "migrate-cli"])("packages/%s moves bytes", (name) => {
  it("and loads no tables: a command would start a tenth of a second later", () => {
    for (const file of sources(name)) {
      expect(readFileSync(file, "utf8"), file).not.toMatch(
        /^(?:import|export) (?!type )(?:[^;]*? from )?"(?:@parquetry\/core|@parquetry\/storage|@parquetry\/query)"/m,
      );
    }
  });
});

it.each([
  "migrate-cli/src/commands/run-process.ts",
  "migrate-cli/src/commands/migrate-command.ts",
  "migrate-cli/src/commands/verify-command.ts",
  "backend-local/src/index.ts",
  "backend-s3/src/index.ts",
  "storage/src/backend.ts",
])("%s loads no schema library before it is needed", (file) => {
  const loaded = [...loadedWith(join(ROOT, "packages", file))];
  expect(loaded).toContain(join(ROOT, "packages/core/src/bytes/storage-error.ts"));
  expect(loaded.map(packageOf)).not.toContain("zod");
});
