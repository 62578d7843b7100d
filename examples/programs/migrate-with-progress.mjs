// Copies a folder to a bucket from code, shows the progress, and verifies: `node migrate-with-progress.mjs ./data s3://bucket`.
import { formatParity, runMigration, verifyMigration } from "@parquetry/migrate-cli";
import { openBackend } from "parquetry";

const [from = "./data", to = "s3://bucket"] = process.argv.slice(2);
const [source, target] = [await openBackend(from), await openBackend(to)];

let copied = 0;
const result = await runMigration(source, target, {
  onProgress(event) {
    if (event.type === "copied") console.log(`${++copied}: ${event.key}, ${event.sizeBytes} bytes`);
    if (event.type === "failed") console.error(`${event.key}: ${event.message}`);
  },
});
console.log(`${result.copied.files} files copied, ${result.complete ? "complete" : "incomplete"}`);
result.close();

const found = await verifyMigration(source, target);
for (const folder of found.folders) console.log(formatParity(folder));
found.close();
await Promise.all([source.close(), target.close()]);
process.exitCode = result.complete && found.equal ? 0 : 1;
