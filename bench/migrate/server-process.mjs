// The S3 server of testkit in a process of its own, so that its CPU is not the tool's. Told what to do by messages.
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
