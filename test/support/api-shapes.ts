import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { manifest, ROOT } from "./sources.ts";

/** A declaration file: its declarations by name, and the names that it takes from other files. */
interface DeclarationFile {
  readonly declarations: ReadonlyMap<string, string>;
  /** By local name. The specifier is that of the import or re-export. */
  readonly imports: ReadonlyMap<string, { readonly specifier: string; readonly name: string }>;
  readonly exported: ReadonlySet<string>;
}

interface Declaration {
  readonly file: string;
  readonly name: string;
}

/**
 * Prints the public surface of a package from its emitted declarations: for each entry point the declaration of every exported
 * name, then the declarations that these refer to without exporting them. Comments are left out, so only a change of a shape
 * changes the result.
 */
export function apiShapes(folder: string): string {
  const { name, exports } = manifest(folder);
  const shown = new Map<string, string>();
  const lines = [`# ${name}`];
  const referred: Declaration[] = [];
  for (const [entry, target] of Object.entries(exports)) {
    if (typeof target === "string" || target.types === undefined) continue;
    const file = join(ROOT, "packages", folder, target.types);
    if (!existsSync(file)) throw new Error(`${file} is missing: build first`);
    const names = [...parse(file).exported].sort(byName);
    lines.push("", `## ${entry} (${names.length} names)`, "");
    for (const exportedName of names) {
      const found = follow({ file, name: exportedName });
      const id = `${found.file}:${found.name}`;
      const seen = shown.get(id);
      if (seen !== undefined) lines.push(`${exportedName}: as in ${seen}`);
      else lines.push(textOf(found, exportedName));
      shown.set(id, seen ?? entry);
      if (seen === undefined) referred.push(...references(found));
    }
  }
  const hidden: string[] = [];
  for (let next = referred.shift(); next !== undefined; next = referred.shift()) {
    const id = `${next.file}:${next.name}`;
    if (shown.has(id)) continue;
    shown.set(id, "hidden");
    hidden.push(textOf(next, next.name));
    referred.push(...references(next));
  }
  if (hidden.length > 0) lines.push("", "## referred to, not exported", "", ...hidden.sort(byName));
  return `${lines.join("\n")}\n`;
}

/**
 * The functions and classes that a package declares and exports from its stable entry points, each with whether its TSDoc
 * has an example. Of overloads, one example is enough.
 */
export function documentedExports(
  folder: string,
): readonly { readonly name: string; readonly hasExample: boolean }[] {
  const found = new Map<string, { name: string; hasExample: boolean }>();
  for (const [entry, target] of Object.entries(manifest(folder).exports)) {
    if (typeof target === "string" || target.types === undefined || entry.startsWith("./unstable")) continue;
    const entryFile = join(ROOT, "packages", folder, target.types);
    for (const name of parse(entryFile).exported) {
      const place = follow({ file: entryFile, name });
      const shape = parse(place.file).declarations.get(place.name) ?? "";
      if (!/^(?:export )?(?:declare )?(?:abstract )?(?:function|class) /.test(shape)) continue;
      const comments = readFileSync(place.file, "utf8").matchAll(
        new RegExp(
          `(/\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/)\\s*(?:export )?(?:declare )?(?:abstract )?(?:function|class) ${place.name}\\b`,
          "g",
        ),
      );
      const hasExample = [...comments].some(([, comment = ""]) => /@example[\s\S]*```ts\n/.test(comment));
      found.set(`${place.file}:${place.name}`, { name, hasExample });
    }
  }
  return [...found.values()];
}

function byName(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** The declaration that a name stands for, through re-exports within the package. */
function follow(start: Declaration): Declaration {
  const source = parse(start.file).imports.get(start.name);
  if (source === undefined || !source.specifier.startsWith(".")) return start;
  return follow({ file: pathOf(start.file, source.specifier), name: source.name });
}

/** The declarations of the package that a declaration mentions. */
function references({ file, name }: Declaration): readonly Declaration[] {
  const { declarations, imports } = parse(file);
  const words = new Set((declarations.get(name) ?? "").match(/[A-Za-z_$][\w$]*/g));
  return [...words]
    .filter((word) => word !== name && (declarations.has(word) || imports.has(word)))
    .map((word) => follow({ file, name: word }))
    .filter((found) => parse(found.file).declarations.has(found.name));
}

function textOf({ file, name }: Declaration, exportedName: string): string {
  const { declarations, imports } = parse(file);
  const text = declarations.get(name);
  if (text !== undefined) return text;
  const source = imports.get(name);
  if (source === undefined) throw new Error(`${file} does not declare ${name}`);
  return `${exportedName}: from ${source.specifier}`;
}

function pathOf(file: string, specifier: string): string {
  return join(file, "..", specifier.replace(/(?:\.d)?\.[jt]s$/, ".d.ts"));
}

const parsed = new Map<string, DeclarationFile>();

/** Reads an emitted declaration file: every statement begins in the first column, every line within it does not. */
function parse(file: string): DeclarationFile {
  const known = parsed.get(file);
  if (known !== undefined) return known;
  const declarations = new Map<string, string>();
  const imports = new Map<string, { specifier: string; name: string }>();
  const exported = new Set<string>();
  const code = readFileSync(file, "utf8")
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^\s*\/\/.*$/gm, "");
  for (const statement of code.split(/^(?=[a-z])/m)) {
    const text = statement.replace(/^\s*\n/gm, "").trimEnd();
    const [, keyword = "", list, specifier] =
      /^(import|export)(?: type)? \{([\s\S]*?)\}(?: from "([^"]+)")?;$/.exec(text) ?? [];
    if (list === undefined) {
      const name =
        /^(?:export )?(?:declare )?(?:abstract )?(?:const|let|function|class|interface|type|enum) ([\w$]+)/.exec(
          text,
        )?.[1];
      if (name === undefined) continue;
      // Overloads are statements of the same name.
      const before = declarations.get(name);
      declarations.set(name, before === undefined ? text : `${before}\n${text}`);
      if (text.startsWith("export ")) exported.add(name);
      continue;
    }
    for (const item of list.split(",")) {
      const [, original, alias = original] = /^\s*(?:type )?([\w$]+)(?: as ([\w$]+))?\s*$/.exec(item) ?? [];
      if (original === undefined || alias === undefined) continue;
      if (keyword === "export") exported.add(alias);
      if (specifier !== undefined) imports.set(alias, { specifier, name: original });
    }
  }
  const result = { declarations, imports, exported };
  parsed.set(file, result);
  return result;
}
