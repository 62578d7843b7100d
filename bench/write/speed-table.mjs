const OURS = /^ours/;
const MAX_PEERS = 3;

/** Rows of README.md: what a user compares. */
const SHOWN = [
  /^copy .* files of 48 KB .* 40 ms away/,
  /^run it again: .* 40 ms away/,
  /^compare both sides by content, 40 ms away/,
  /^copy to S3: 6 files of 200 MB, 0 ms away/,
  /^copy from S3: 6 files of 200 MB, 0 ms away/,
  /^copy from S3, and sync the disk: 6 files of 200 MB, 0 ms away/,
  /^query one week .* on this disk, again/,
  /^query one week .* on S3, 30 ms away, first/,
  /^query all .* on this disk, first/,
  /^query all .* on this disk, again/,
];

/** Makes the table of README.md, with the fastest other tools of each row, also where they are faster. */
export function speedTable(results) {
  const rows = [...results.values()].flatMap(({ speed = [] }) => speed);
  const lines = SHOWN.flatMap((shown) => rows.filter(({ work }) => shown.test(work))).map(lineOf);
  if (lines.length === 0) return "Not measured yet: `node bench/run.mjs migrate large query --write`.";
  const runs = [...results.values()].filter(({ speed }) => speed !== undefined);
  const machines = [...new Set(runs.map(({ machine }) => machine))];
  const where = machines.map((name) => {
    const dates = runs.flatMap(({ machine, date }) => (machine === name ? [date] : []));
    return `${name}, ${[...new Set(dates)].sort().join(" and ")}`;
  });
  return [
    "| work | Parquetry | the fastest others |",
    "| --- | --: | --- |",
    ...lines,
    `\nThe tools of a row ran one after the other on one machine (${where.join("; ")}), which the server shared.`,
  ].join("\n");
}

function lineOf({ work, seconds }) {
  const all = Object.entries(seconds);
  const own = all.find(([name]) => OURS.test(name));
  const peers = all
    .filter(([name]) => !OURS.test(name))
    .sort(([, a], [, b]) => a - b)
    .slice(0, MAX_PEERS)
    .map(([name, time]) => `${name} ${inSeconds(time)}`);
  return `| ${work} | ${own === undefined ? "" : inSeconds(own[1])} | ${peers.join("; ")} |`;
}

const inSeconds = (seconds) => (seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`);
