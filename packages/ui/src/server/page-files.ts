import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** The built page: all of its files are read at the start, so that no name in a request becomes a path. */
export interface PageFiles {
  /** The HTML with its style sheet, and a nonce for style elements. */
  index(nonce: string): string;
  asset(name: string): { readonly body: Uint8Array<ArrayBuffer>; readonly type: string } | undefined;
}

/** Reads the page from the folder that Vite built. */
export function readPage(folder: string): PageFiles {
  const html = readFileSync(join(folder, "index.html"), "utf8");
  const assets = new Map(
    readdirSync(join(folder, "assets")).map((name) => [
      name,
      {
        body: new Uint8Array(readFileSync(join(folder, "assets", name))),
        type: TYPES[extname(name)] ?? "application/octet-stream",
      },
    ]),
  );
  return { index: (nonce) => html.replaceAll("NONCE", nonce), asset: (name) => assets.get(name) };
}
