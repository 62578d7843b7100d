// Runs an S3 server in a separate process, so that it does not share a thread with the measured client.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { startS3Server } from "@parquetry/testkit";

/** Starts the server. `latencyMs` delays every answer; `counts` returns the requests since the last call. */
export async function startS3Process(bucket) {
  const child = fork(fileURLToPath(import.meta.url), ["serve", bucket]);
  const ask = async (message) => {
    child.send(message);
    const [answer] = await once(child, "message");
    return answer;
  };
  const [{ endpoint, credentials, region }] = await once(child, "message");
  return {
    endpoint,
    credentials,
    region,
    setLatency: (latencyMs) => ask({ latencyMs }),
    counts: () => ask({}),
    async close() {
      child.disconnect();
      await once(child, "exit");
    },
  };
}

if (process.argv[2] === "serve" && process.send !== undefined) {
  const server = await startS3Server({ buckets: [process.argv[3]] });
  process.on("message", ({ latencyMs }) => {
    if (latencyMs !== undefined) {
      server.setFaults(latencyMs === 0 ? [] : [{ fault: { kind: "latency", ms: latencyMs } }]);
    }
    const { requests } = server;
    process.send({ ...requests.byOperation(), bytesOut: requests.bytesOut });
    requests.reset();
  });
  process.on("disconnect", () => process.exit());
  const { endpoint, credentials, region } = server;
  process.send({ endpoint, credentials, region });
}
