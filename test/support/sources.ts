import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT: string = join(import.meta.dirname, "..", "..");

/** The folders of the packages. */
export const PACKAGES: readonly string[] = readdirSync(join(ROOT, "packages")).sort();

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types?: string; readonly default: string }>>;
  readonly imports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, "packages", folder, "package.json"), "utf8"));
}

/** The folder of each package, by its name. */
export const FOLDER_OF: ReadonlyMap<string, string> = new Map(
  PACKAGES.map((folder) => [manifest(folder).name, folder]),
);

/** The source files of a package, without its tests. */
export function sources(folder: string): readonly string[] {
  const src = join(ROOT, "packages", folder, "src");
  return readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !/\.test(?:-d)?\.ts$/.test(file))
    .map((file) => join(src, file));
}

/** The text of a source file without its comments. */
export function codeOf(file: string): string {
  return readFileSync(file, "utf8").replace(/^\s*(?:\*|\/\/|\/\*).*$/gm, "");
}

export interface Import {
  readonly specifier: string;
  readonly kind: "value" | "type" | "lazy";
}

/** Every import of a source file: of values, of types only, and those that happen when the code runs. */
export function importsOf(file: string): readonly Import[] {
  const code = codeOf(file);
  const eager = [...code.matchAll(/^(?:import|export)\b(?: (type)\b)?(?:[^;"]*? from)? ?"([^"]+)";$/gm)];
  const lazy = [...code.matchAll(/\bimport\(\s*"([^"]+)"\s*\)/g)];
  return [
    ...eager.map(([, type, specifier = ""]) => ({ specifier, kind: type ?? "value" }) as Import),
    ...lazy.map(([, specifier = ""]) => ({ specifier, kind: "lazy" }) as const),
  ];
}

/** The file that a relative import of `file` means. */
export function resolved(file: string, specifier: string): string {
  return join(file, "..", specifier);
}

/** The circles among files that import each other, each as the list of its files. Lazy imports make no circle. */
export function importCircles(files: readonly string[]): readonly (readonly string[])[] {
  const circles: string[][] = [];
  const finished = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) circles.push(path.slice(start));
    if (start >= 0 || finished.has(file)) return;
    for (const { specifier, kind } of importsOf(file)) {
      if (kind !== "lazy" && specifier.startsWith(".")) visit(resolved(file, specifier), [...path, file]);
    }
    finished.add(file);
  };
  for (const file of files) visit(file, []);
  return circles;
}
