import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const PACKAGES = readdirSync(join(ROOT, "packages"));

/** What each package may import of the others, as docs/architecture.md draws it. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  "backend-local": ["core"],
  "backend-s3": ["core"],
  storage: ["core", "backend-local", "backend-s3"],
  query: ["core", "storage"],
  "migrate-cli": ["core", "storage"],
  parquetry: ["core", "storage", "query", "migrate-cli"],
  testkit: ["core"],
};

/** Which outside packages may be imported, and by whom alone. */
const ONLY_IN: Readonly<Record<string, readonly string[]>> = {
  "@aws-sdk/client-s3": [],
  "@aws-sdk/credential-providers": ["backend-s3"],
  "@duckdb/node-api": ["query"],
  hyparquet: ["core"],
  "hyparquet-writer": ["core"],
  "csv-parse": ["core"],
};

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

function manifest(name: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, "packages", name, "package.json"), "utf8"));
}

const folderOf = new Map(PACKAGES.map((name) => [manifest(name).name, name]));

function sources(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !/\.test(?:-d)?\.ts$/.test(file))
    .map((file) => join(folder, file));
}

/** Every package that a file imports, statically, dynamically or for its types. */
function imported(file: string): readonly string[] {
  const text = readFileSync(file, "utf8").replace(/^\s*(?:\*|\/\/|\/\*).*$/gm, "");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"([\w@][\w@/:.-]*)"/g)].map(([, specifier = ""]) => {
    const [first = "", second = ""] = specifier.split("/");
    return first.startsWith("@") ? `${first}/${second}` : first;
  });
}

/** What is loaded with a source file at once: all that it imports statically, through every package of ours. */
function loadedWith(file: string, loaded: Set<string> = new Set()): ReadonlySet<string> {
  if (loaded.has(file)) return loaded;
  loaded.add(file);
  const text = readFileSync(file, "utf8");
  for (const [, specifier = ""] of text.matchAll(
    /^(?:import|export) (?!type )(?:[^;]*? from )?"([^"]+)";$/gm,
  )) {
    const [, name = "", path = "index"] = /^((?:@parquetry\/)?[\w-]+)(?:\/([\w-]+))?$/.exec(specifier) ?? [];
    const folder = folderOf.get(name);
    if (specifier.startsWith(".")) loadedWith(join(file, "..", specifier), loaded);
    else if (folder !== undefined) loadedWith(join(ROOT, "packages", folder, "src", `${path}.ts`), loaded);
    else loaded.add(specifier);
  }
  return loaded;
}

describe.each(PACKAGES)("packages/%s", (name) => {
  const { name: ownName, dependencies = {}, peerDependencies = {} } = manifest(name);
  const files = sources(join(ROOT, "packages", name, "src"));

  it("is in the plan of the house", () => {
    expect(MAY_IMPORT).toHaveProperty(name);
  });

  it("imports in the one direction only, and only what its package.json declares", () => {
    const allowed = (MAY_IMPORT[name] ?? []).map((other) => manifest(other).name);
    for (const file of files) {
      for (const specifier of imported(file)) {
        if (specifier.startsWith("node:") || specifier === ownName) continue;
        expect([...Object.keys(dependencies), ...Object.keys(peerDependencies)], file).toContain(specifier);
        if (folderOf.has(specifier)) expect(allowed, file).toContain(specifier);
        const owners = ONLY_IN[specifier];
        if (owners !== undefined) expect(owners, `${file} imports ${specifier}`).toContain(name);
      }
    }
  });

  it("depends on nothing that it does not import", () => {
    const used = new Set(files.flatMap(imported));
    for (const dependency of Object.keys(dependencies)) expect([...used], dependency).toContain(dependency);
  });

  it("has a README, a licence and small files with telling names", () => {
    expect(readFileSync(join(ROOT, "packages", name, "README.md"), "utf8")).toContain(`# ${ownName}`);
    for (const file of files) {
      expect(file).not.toMatch(/\/(?:utils?|helpers?|common|misc|shared|types)\.ts$/);
      expect(file).toMatch(/[\\/][a-z0-9]+(?:-[a-z0-9]+)*\.ts$/);
    }
  });

  it("exports what its API snapshot says, by name", async () => {
    const entries = ["index", "backend"].filter((entry) =>
      existsSync(join(ROOT, "packages", name, "src", `${entry}.ts`)),
    );
    const lines = entries.flatMap((entry) => {
      const text = readFileSync(join(ROOT, "packages", name, "src", `${entry}.ts`), "utf8");
      expect(text, "exports are explicit").not.toMatch(/export \*/);
      const names = [...text.matchAll(/export (type )?\{([^}]*)\}/g)].flatMap(([, type = "", list = ""]) =>
        list
          .split(",")
          .map((item) => `${type}${item.trim()}`)
          .filter((item) => item !== type),
      );
      return [`# ${entry === "index" ? "." : `./${entry}`}`, ...names.sort()];
    });
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot(
      join(ROOT, "packages", name, "api.snapshot.txt"),
    );
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
        expect([...folderOf.keys()], file).toContain(name);
    }
  });

  it("links every package from the README", () => {
    const readme = readFileSync(join(ROOT, "README.md"), "utf8");
    for (const name of PACKAGES) expect(readme).toContain(`packages/${name}`);
  });
});

describe.each(["backend-local", "backend-s3", "migrate-cli"])("packages/%s moves bytes", (name) => {
  it("and loads no tables: a command would start a tenth of a second later", () => {
    for (const file of sources(join(ROOT, "packages", name, "src"))) {
      expect(readFileSync(file, "utf8"), file).not.toMatch(/from "(?:@parquetry\/core|@parquetry\/storage)"/);
    }
  });
});

it.each([
  "migrate-cli/src/bin/parquetry.ts",
  "migrate-cli/src/commands/migrate-command.ts",
  "migrate-cli/src/commands/verify-command.ts",
  "backend-local/src/index.ts",
  "backend-s3/src/index.ts",
])("%s loads no schema library, which takes longer than a whole command to start", (file) => {
  const loaded = [...loadedWith(join(ROOT, "packages", file))];
  expect(loaded).toContain(join(ROOT, "packages/core/src/bytes/storage-error.ts"));
  expect(loaded).not.toContain("zod");
});
