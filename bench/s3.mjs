import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const CONTENDERS = ["ours", "bare SDK", "minio"];
const ROUNDS = 3;
const JOBS = {
  "put:small": "PUT 64 KB",
  "get:small": "GET 64 KB",
  "put:large": "PUT 8 MB",
  "get:large": "GET 8 MB",
  list: "LIST of 20,000 keys",
  remove: "DELETE of 5,000 keys",
};

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/**
 * Measures PUT, GET, LIST and DELETE by our client, the bare SDK and `minio`, each in a new process, against one server process.
 * The contenders run in turns, so that the ratios hold if the machine slows down.
 */
export async function benchS3() {
  const server = fork(join(import.meta.dirname, "s3-server.mjs"));
  const [{ endpoint, credentials }] = await once(server, "message");
  const run = async (contender, job) => {
    const client = fork(join(import.meta.dirname, "s3-client.mjs"), [
      ...[contender, job, endpoint],
      ...[credentials.accessKeyId, credentials.secretAccessKey],
    ]);
    const [result] = await Promise.race([
      once(client, "message"),
      once(client, "exit").then(([code]) => Promise.reject(new Error(`${contender}, ${job}: exit ${code}`))),
    ]);
    return result;
  };
  try {
    await run("bare SDK", "prepare");
    for (const [job, title] of Object.entries(JOBS)) {
      const results = new Map(CONTENDERS.map((contender) => [contender, []]));
      for (let round = 0; round < ROUNDS; round++) {
        for (const contender of CONTENDERS) {
          if (job === "remove") await run("bare SDK", "prepareDelete");
          results.get(contender).push(await run(contender, job));
        }
      }
      report(title, results);
    }
  } finally {
    server.disconnect();
  }
}

function report(title, results) {
  console.log(`\n${title} (median of ${ROUNDS}, 16 concurrent)\n`);
  console.log(
    "| contender | requests/s | CPU-ms a request | times ours | peak RSS MB |\n| --- | --- | --- | --- | --- |",
  );
  const base = median(results.get("ours").map(({ cpuMs }) => cpuMs));
  for (const [contender, all] of results) {
    const cpuMs = median(all.map((result) => result.cpuMs));
    const rate = median(all.map(({ requests, seconds }) => requests / seconds));
    const rss = Math.max(...all.map(({ rssMb }) => rssMb));
    console.log(
      `| ${contender} | ${rate.toFixed(0)} | ${cpuMs.toFixed(3)} | ${(cpuMs / base).toFixed(2)} | ${rss.toFixed(0)} |`,
    );
  }
}
