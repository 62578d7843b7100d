// An S3 server whose listing is computed and whose objects all have the same content, in a separate process, so that a million of
// them take no memory.

import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { createMemoryBackend, Storage } from "@parquetry/core";
import { firstAfter, keyAt } from "./generated-keys.mjs";

const PAGE_OBJECTS = 1000;
/** Behind every name that begins with the same characters, since all names are of ASCII. */
const BEHIND = "\u{10ffff}";

/**
 * Starts the server: its bucket `source` has `count` objects, and `target` lacks one in 100. `requests` returns their number since
 * the last call.
 */
export async function startGeneratedServer(count, latencyMs) {
  const child = fork(fileURLToPath(import.meta.url), [String(count), String(latencyMs)]);
  const answer = async () => (await once(child, "message"))[0];
  const { endpoint } = await answer();
  return {
    endpoint,
    requests() {
      child.send("requests");
      return answer();
    },
    async close() {
      child.disconnect();
      await once(child, "exit");
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.send !== undefined) {
  const [count, latencyMs] = process.argv.slice(2).map(Number);
  const memory = createMemoryBackend();
  await new Storage(memory).writeParquet("one.parquet", [{ play: 1, yards: 7 }]);
  const body = Buffer.from(await (await memory.get("one.parquet")).body.bytes());
  const etag = createHash("md5").update(body).digest("hex");
  const modified = new Date("2026-11-01T10:00:00Z");
  let requests = 0;

  const list = (bucket, query) => {
    const prefix = query.get("prefix") ?? "";
    const after = query.get("continuation-token") ?? query.get("start-after") ?? "";
    const isGrouped = query.get("delimiter") === "/";
    const groupOf = (key) => {
      const slash = isGrouped ? key.indexOf("/", prefix.length) : -1;
      return slash < 0 ? undefined : key.slice(0, slash + 1);
    };
    let at = firstAfter(after > prefix ? (after.endsWith("/") ? after + BEHIND : after) : prefix, count);
    let last = "";
    const entries = [];
    for (; at < count && entries.length < PAGE_OBJECTS; ) {
      const key = keyAt(at, count);
      if (!key.startsWith(prefix)) break;
      const group = groupOf(key);
      last = group ?? key;
      if (group !== undefined) {
        entries.push(`<CommonPrefixes><Prefix>${group}</Prefix></CommonPrefixes>`);
        at = firstAfter(group + BEHIND, count);
        continue;
      }
      if (bucket === "source" || at % 100 !== 7)
        entries.push(
          `<Contents><Key>${key}</Key><LastModified>${modified.toISOString()}</LastModified><ETag>&quot;${etag}&quot;</ETag><Size>${body.byteLength}</Size></Contents>`,
        );
      at++;
    }
    const isTruncated = at < count && keyAt(at, count).startsWith(prefix);
    const next = isTruncated ? `<NextContinuationToken>${last}</NextContinuationToken>` : "";
    return `<ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>${next}${entries.join("")}</ListBucketResult>`;
  };
  const server = createServer((request, response) => {
    requests++;
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    const [, bucket, ...names] = decodeURIComponent(pathname).split("/");
    setTimeout(() => {
      if (names.join("/") === "") return response.end(list(bucket, searchParams));
      const key = names.join("/");
      const isThere = keyAt(firstAfter(key, count) - 1, count) === key;
      if (!isThere) return response.writeHead(404).end("<Error><Code>NoSuchKey</Code></Error>");
      const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
      const [start, end] = [
        Number(from ?? 0),
        Math.min(Number(to || Number.MAX_SAFE_INTEGER), body.byteLength - 1),
      ];
      const headers = {
        etag: `"${etag}"`,
        "last-modified": modified.toUTCString(),
        "content-length": end + 1 - start,
      };
      if (from === undefined) response.writeHead(200, headers);
      else
        response.writeHead(206, { ...headers, "content-range": `bytes ${start}-${end}/${body.byteLength}` });
      response.end(request.method === "HEAD" ? undefined : body.subarray(start, end + 1));
    }, latencyMs);
  });
  server.listen(0, "127.0.0.1", () =>
    process.send({ endpoint: `http://127.0.0.1:${server.address().port}` }),
  );
  process.on("message", () => {
    process.send(requests);
    requests = 0;
  });
  process.on("disconnect", () => process.exit());
}
