import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Returns the licences of the libraries that bundled modules come from, which may be distributed only together with them. */
export function thirdPartyLicences(moduleIds) {
  const folders = moduleIds.flatMap(
    (id) => /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(id)?.[0] ?? [],
  );
  return [...new Set(folders)].sort().map((folder) => {
    const { name } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^(?:licen[cs]e|copying)/i.test(entry));
    if (file === undefined) throw new Error(`${folder} is bundled, and has no licence file`);
    return `${name}\n\n${readFileSync(join(folder, file), "utf8")}`;
  });
}

/** Puts a line between licences. */
export const joinLicences = (licences) => licences.join("\n---\n\n");
