import { estimateCost, PRICES_2026_10 } from "@parquetry/migrate-cli";

const NIGHT_HOURS = 8;
const ROUND_TRIP_MS = 40;
const PAGE_OBJECTS = 1000;
/** Ranges of one listing that are listed concurrently, at most. */
const RANGES = 24;
const PB = 1e15;
const CASES = [
  { objects: 1e9, bytes: 1e6 },
  { objects: 1e7, bytes: 1e8 },
  { objects: 1e9, bytes: 48_000 },
];

/** Makes the tables of docs/scale.md: what was measured, and what follows from it. */
export function scaleTables(results) {
  const { grown, generated, command, date, machine, printed } = results.get("scale") ?? {
    grown: [],
    generated: [],
  };
  if (grown.length === 0) return "Not measured yet: `node bench/run.mjs scale --write`.";
  const last = (lines, name) => lines.filter((line) => [line.step, line.job].includes(name)).at(-1);
  const [plan, verify, first, warm] = ["plan", "verify", "first query", "warm query"].map((name) =>
    last(grown, name),
  );
  const [bare, shard, cache] = ["plan", "shard", "hash cache"].map((name) => last(generated, name));
  const speeds = [...results.values()].flatMap(({ speed = [] }) => speed);
  const planMicros = (plan.cpuSeconds / plan.keys) * 1e6;
  const copying = rates(speeds);

  const measured = table(
    ["constant", "value"],
    [
      ["plan of two buckets, CPU time a key", `${planMicros.toFixed(1)} µs`],
      ["of which without listing a bucket", `${bare.cpuMicros.toFixed(1)} µs`],
      ["the same for one shard of eight", `${shard.cpuMicros.toFixed(1)} µs`],
      [`peak memory of a plan of ${count(bare.keys)} keys`, `${bare.megabytes.toFixed(0)} MB`],
      [`peak memory of a plan of two buckets of ${count(plan.keys)} keys`, `${plan.megabytes.toFixed(0)} MB`],
      [
        "verification of two buckets, CPU time a key",
        `${((verify.cpuSeconds / verify.keys) * 1e6).toFixed(1)} µs`,
      ],
      ["requests of a plan, each 1,000 keys and side", ((plan.requests / plan.keys / 2) * 1000).toFixed(2)],
      [
        `query of one of 500 partitions of ${count(first.keys)} files, first and again`,
        `${first.seconds.toFixed(1)} s, ${warm.seconds.toFixed(2)} s`,
      ],
      ["temporary file of a plan, each file to copy", `${bare.diskBytes} bytes`],
      ["cache of hashes on disk, each file", `${cache.diskBytes} bytes`],
      [`peak memory with a cache of ${count(cache.keys)} hashes`, `${cache.megabytes.toFixed(0)} MB`],
      ...copying.rows,
    ],
  );
  const listing = table(
    ["objects on each side", "CPU time", ...[1, 8, RANGES].map((n) => `${n} concurrent`)],
    [1e6, 1e7, 1e8, 1e9].map((objects) => [
      count(objects),
      duration((objects * planMicros) / 1e6),
      ...[1, 8, RANGES].map((n) => duration(planSeconds(objects, n, planMicros))),
    ]),
  );
  return [
    "### Measured",
    `\`${command}\`, ${date}, ${machine}:`,
    measured,
    printed,
    "### Time of a plan or of a verification of two buckets",
    `The longer of the CPU time and of the round trips of ${ROUND_TRIP_MS} ms, of which one lists ${count(PAGE_OBJECTS)} objects:`,
    listing,
    "### Requests and dollars",
    `At the prices of ${PRICES_2026_10.date} for the first terabytes, after the free allowance of a month. Providers charge less for more, so that these are upper bounds:`,
    costs(),
    `### Machines for a move in ${NIGHT_HOURS} hours`,
    copying.perFile === undefined
      ? "Not measured yet: `node bench/run.mjs migrate large --write`."
      : nights(planMicros, copying),
  ].join("\n\n");
}

/** The time of one file and of one byte, from the copies of many small and of large files. */
function rates(speeds) {
  const ours = ({ seconds }) => Object.entries(seconds).find(([name]) => name.startsWith("ours"))?.[1];
  const small = speeds.find(({ work }) => /^copy .* files of 48 KB .* 40 ms away/.test(work));
  const large = speeds.find(({ work }) => /^copy to S3: 6 files/.test(work));
  if (small === undefined || large === undefined) return { rows: [] };
  const files = Number(/copy ([\d,]+) files/.exec(small.work)[1].replaceAll(",", ""));
  const [perFile, perByte] = [ours(small) / files, ours(large) / large.bytes];
  return {
    perFile,
    perByte,
    rows: [
      ["copy of small files, 40 ms away", `${(1 / perFile).toFixed(0)} files a second`],
      ["copy of large files", `${(1 / perByte / 1e6).toFixed(0)} MB a second`],
    ],
  };
}

function planSeconds(objects, concurrent, micros) {
  const roundTrips = (objects / PAGE_OBJECTS) * (ROUND_TRIP_MS / 1000);
  return Math.max(roundTrips / concurrent, (objects * micros) / 1e6);
}

function costs() {
  const usages = {
    "list 1,000,000,000 objects once": { storedBytes: 0, writes: 1e9 / PAGE_OBJECTS },
    "write 1,000,000,000 objects": { storedBytes: 0, writes: 1e9 },
    "read 1,000,000,000 objects": { storedBytes: 0, reads: 1e9 },
    "store 1 PB for a month": { storedBytes: PB },
    "read 1 PB from the internet": { storedBytes: 0, egressBytes: PB },
  };
  return table(
    ["work", "requests", "AWS S3", "Cloudflare R2"],
    Object.entries(usages).map(([work, usage]) => {
      const { s3, r2 } = estimateCost(usage);
      const requests = (usage.writes ?? 0) + (usage.reads ?? 0);
      return [
        work,
        requests === 0 ? "" : count(requests),
        dollars(s3.onceUsd + s3.monthlyUsd),
        dollars(r2.onceUsd + r2.monthlyUsd),
      ];
    }),
  );
}

/** Each shard lists everything and copies its part; a machine with a folder lists and copies only that folder. */
function nights(planMicros, { perFile, perByte }) {
  const night = NIGHT_HOURS * 3600;
  return table(
    [
      "objects",
      "size",
      "copying takes",
      "listing takes each shard",
      "shards",
      "listings of all shards on S3",
      "machines, each with its folders",
    ],
    CASES.map(({ objects, bytes }) => {
      const listing = planSeconds(objects, RANGES, planMicros);
      const copying = objects * (perFile + bytes * perByte);
      const shards = listing < night ? Math.ceil(copying / (night - listing)) : undefined;
      const { s3 } = estimateCost({ storedBytes: 0, writes: ((shards ?? 0) * 2 * objects) / PAGE_OBJECTS });
      return [
        `${count(objects)} of ${amount(bytes)}`,
        amount(objects * bytes),
        duration(copying),
        duration(listing),
        shards === undefined ? "impossible" : count(shards),
        shards === undefined ? "" : dollars(s3.onceUsd),
        count(Math.ceil((copying + listing) / night)),
      ];
    }),
  );
}

function table(columns, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(columns), line(columns.map((_, i) => (i === 0 ? "---" : "--:"))), ...rows.map(line)].join(
    "\n",
  );
}

const count = (n) => n.toLocaleString("en");

function duration(seconds) {
  if (seconds < 100) return `${seconds.toPrecision(2)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  return seconds < 360_000 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86_400).toFixed(0)} days`;
}

function amount(bytes) {
  for (const [size, unit] of [
    [PB, "PB"],
    [1e12, "TB"],
    [1e6, "MB"],
    [1e3, "KB"],
  ])
    if (bytes >= size) return `${bytes / size} ${unit}`;
  return `${bytes} bytes`;
}

const dollars = (usd) => `$${usd < 100 ? usd.toFixed(2) : count(Math.round(usd))}`;
