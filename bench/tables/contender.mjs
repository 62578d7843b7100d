// Runs one job of one contender, in a separate process to measure its peak memory: `contender.mjs NAME JOB FOLDER`.
// Prints null for a job that it does not have.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { REPEATS, timed } from "./timed.mjs";

const [name, job, folder] = process.argv.slice(2);
const work = join(folder, name);
await mkdir(work, { recursive: true });
const { openJobs } = await import(`./${name}.mjs`);
const jobs = await openJobs(work);
if (jobs[job] === undefined) {
  console.log("null");
  process.exit(0);
}
const prepared = await jobs[job]();
let note = "";
const times = await timed(async () => {
  note = (await prepared()) ?? "";
}, REPEATS[job]);
const peakMiB = process.resourceUsage().maxRSS / 1024;
console.log(JSON.stringify({ ...times, peakMiB, note }));
process.exit(0);
