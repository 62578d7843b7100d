// The server of bench/s3.mjs, in a process of its own: prints its address, and ends with its parent.
import { startS3Server } from "@parquetry/testkit";

const server = await startS3Server({ buckets: ["bench"] });
process.send({ endpoint: server.endpoint, credentials: server.credentials });
process.once("disconnect", () => process.exit());
