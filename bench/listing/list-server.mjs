// A server that does nothing but list a fixed set of keys, in a separate process: the testkit's would first need 500,000 PUTs.
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { compareKeys } from "@parquetry/core/backend";
import { makeKeys } from "./key-sets.mjs";

/** Starts the server. `serve` sets the keys and the latency; `counts` returns the requests since the last call. */
export async function startListServer() {
  const child = fork(fileURLToPath(import.meta.url), ["serve"]);
  const answer = async () => (await once(child, "message"))[0];
  const ask = (message) => {
    child.send(message);
    return answer();
  };
  const { endpoint } = await answer();
  return {
    endpoint,
    serve: (kind, count, latencyMs) => ask({ kind, count, latencyMs }),
    counts: () => ask({}),
    async close() {
      child.disconnect();
      await once(child, "exit");
    },
  };
}

if (process.argv[2] === "serve" && process.send !== undefined) {
  let keys = [];
  let latencyMs = 0;
  let requests = 0;
  let most = 0;
  let running = 0;

  const firstAfter = (name) => {
    let [low, high] = [0, keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareKeys(keys[middle], name) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const list = (query) => {
    const prefix = query.get("prefix") ?? "";
    const after = query.get("continuation-token") ?? query.get("start-after") ?? query.get("marker") ?? "";
    let at = firstAfter(after > prefix || prefix === "" ? after : prefix.slice(0, -1));
    while (at < keys.length && !keys[at].startsWith(prefix) && keys[at] < prefix) at++;
    const contents = [];
    let last = "";
    for (; at < keys.length && contents.length < 1000 && keys[at].startsWith(prefix); at++) {
      last = keys[at];
      contents.push(
        `<Contents><Key>${last}</Key><LastModified>2026-11-01T10:00:00.000Z</LastModified><ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>48000</Size><StorageClass>STANDARD</StorageClass></Contents>`,
      );
    }
    const isTruncated = at < keys.length && keys[at].startsWith(prefix);
    const next = isTruncated
      ? `<NextContinuationToken>${last}</NextContinuationToken><NextMarker>${last}</NextMarker>`
      : "";
    return `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bench</Name><Prefix>${prefix}</Prefix><KeyCount>${contents.length}</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>${isTruncated}</IsTruncated>${next}${contents.join("")}</ListBucketResult>`;
  };
  const server = createServer((request, response) => {
    requests++;
    most = Math.max(most, ++running);
    const { searchParams } = new URL(request.url, "http://localhost");
    setTimeout(() => {
      running--;
      response.setHeader("content-type", "application/xml");
      response.end(list(searchParams));
    }, latencyMs);
  });
  server.listen(0, "127.0.0.1", () => {
    process.send({ endpoint: `http://127.0.0.1:${server.address().port}` });
  });
  process.on("message", (order) => {
    if (order.kind !== undefined) keys = makeKeys(order.kind, order.count);
    if (order.latencyMs !== undefined) latencyMs = order.latencyMs;
    process.send({ requests, most });
    requests = 0;
    most = 0;
  });
  process.on("disconnect", () => process.exit());
}
