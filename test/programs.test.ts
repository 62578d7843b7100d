import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "./support/sources.ts";

const PROGRAMS = ["bench", "examples", "scripts", "soak"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".mjs") && !file.includes("node_modules"))
    .map((file) => join(folder, file)),
);

it.each(PROGRAMS)("%s imports names that our packages export", async (program) => {
  const code = readFileSync(join(ROOT, program), "utf8");
  for (const [, list = "", specifier = ""] of code.matchAll(
    /^import \{([^}]*)\} from "((?:@parquetry\/|parquetry|\.{1,2}\/[^"]*packages\/)[^"]*)";$/gm,
  )) {
    const path = specifier.startsWith(".") ? join(ROOT, program, "..", specifier) : distFile(specifier);
    const exported = Object.keys(await import(path));
    const names = list.split(",").flatMap((item) => /^\s*([\w$]+)/.exec(item)?.[1] ?? []);
    expect(exported, specifier).toEqual(expect.arrayContaining(names));
  }
});

function distFile(specifier: string): string {
  const [name, entry] = /^((?:@parquetry\/)?[\w-]+)(.*)$/.exec(specifier)?.slice(1) ?? [];
  const folder = join(ROOT, "packages", name?.replace("@parquetry/", "") ?? "");
  const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return join(folder, exports[`.${entry}`].default);
}
