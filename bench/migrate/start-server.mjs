import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("./server-process.mjs", import.meta.url));

/** Starts an S3 server with the bucket `bench` in a separate process. `latency(ms)` delays every request. */
export async function startServer() {
  const child = fork(SCRIPT);
  const answer = async () => (await once(child, "message"))[0].answer;
  const { endpoint, region, credentials } = await answer();
  const ask = (order, argument) => {
    child.send({ order, argument });
    return answer();
  };
  return {
    endpoint,
    region,
    credentials,
    /** Requests by operation since the last call. */
    counts: () => ask("counts"),
    latency: (ms) => ask("latency", ms),
    async close() {
      child.disconnect();
      await once(child, "exit");
    },
  };
}
