// Runs the S3 server of testkit in a separate process, so that its CPU time is not the tool's. Controlled by messages.
import { startS3Server } from "@parquetry/testkit";

const server = await startS3Server({ buckets: ["bench"] });
const { endpoint, region, credentials } = server;

const ORDERS = {
  counts: () => {
    const counts = server.requests.byOperation();
    server.requests.reset();
    return counts;
  },
  latency: (ms) => server.setFaults(ms === 0 ? [] : [{ fault: { kind: "latency", ms } }]),
};

process.on("message", ({ order, argument }) => process.send({ answer: ORDERS[order](argument) ?? null }));
process.on("disconnect", () => process.exit(0));
process.send({ answer: { endpoint, region, credentials } });
