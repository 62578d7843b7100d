import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { Application } from "typedoc";
import { load as markdown } from "typedoc-plugin-markdown";

/** The public entry points of every package, by the path of their declarations: what a program may import. */
function entryPoints(packages) {
  const entries = new Map();
  // Last, so that what it exports again is described in the package that it comes from.
  const last = "parquetry";
  const folders = readdirSync(packages).filter((folder) => folder !== last);
  for (const folder of [...folders, last]) {
    const manifest = JSON.parse(readFileSync(join(packages, folder, "package.json"), "utf8"));
    for (const [path, target] of Object.entries(manifest.exports)) {
      const isPublic = !/^\.\/(?:unstable|command|package\.json)/.test(path);
      if (isPublic && target.types !== undefined)
        entries.set(join(packages, folder, target.types), manifest.name + path.slice(1));
    }
  }
  return entries;
}

/** Writes a page for each public entry point, from the declarations and comments in `dist`. */
export async function generateApi(packages, out, tsconfig) {
  const entries = entryPoints(packages);
  const app = await Application.bootstrapWithPlugins({
    plugin: [markdown],
    entryPoints: [...entries.keys()],
    tsconfig,
    out,
    name: "API",
    readme: "none",
    entryFileName: "index",
    router: "module",
    disableSources: true,
    disableGit: true,
    useCodeBlocks: true,
    useHTMLAnchors: true,
    parametersFormat: "table",
    interfacePropertiesFormat: "table",
    typeAliasPropertiesFormat: "table",
    tableColumnSettings: { hideModifiers: true, hideInherited: true },
    hidePageHeader: true,
    hideBreadcrumbs: true,
    excludePrivate: true,
    logLevel: "Error",
  });
  const project = await app.convert();
  if (project === undefined) throw new Error("TypeDoc could not read the declarations");
  // TypeDoc names a module by its path: core/dist/backend.
  const names = new Map(
    [...entries].map(([path, name]) => [
      relative(packages, path)
        .replaceAll("\\", "/")
        .replace(/(?:\/index)?\.d\.ts$/, ""),
      name,
    ]),
  );
  for (const module of project.children ?? []) {
    const name = names.get(module.name);
    if (name === undefined)
      throw new Error(`TypeDoc has the module ${module.name}, which no package exports`);
    module.name = name;
  }
  await app.generateOutputs(project);
}
