// The server process of bench/s3.mjs. Prints its address and exits when its parent does.
import { startS3Server } from "@parquetry/testkit";

const server = await startS3Server({ buckets: ["bench"] });
process.send({ endpoint: server.endpoint, credentials: server.credentials });
process.once("disconnect", () => process.exit());
