import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";

/** Serves a store of keys and values below /store/, and files by their path, on a free port of this machine. */
export async function serveStore(store, files) {
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request;
    const send = (status, body, more = {}) => response.writeHead(status, more).end(body);
    if (files[url] !== undefined) return send(200, files[url].body, { "content-type": files[url].type });
    if (url === "/store") return send(200, JSON.stringify(await store.keys()));
    if (!url.startsWith("/store/")) return send(404);
    const key = decodeURIComponent(url.slice("/store/".length));
    if (method === "PUT") {
      const expected = headers["if-match"] === undefined ? undefined : Number(headers["if-match"]);
      const version = await store.set(key, new Uint8Array(await buffer(request)), expected);
      return version === undefined ? send(412) : send(204, undefined, { etag: version });
    }
    if (method === "DELETE") {
      await store.delete(key);
      return send(204);
    }
    const entry = await store.get(key);
    if (entry === undefined) return send(404);
    return send(200, entry.value, { etag: entry.version, "last-modified": entry.writtenAt.toUTCString() });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}
