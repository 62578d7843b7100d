import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { CompactionEstimate, Description, TableData } from "../src/answers.ts";
import { ask, query } from "./api.ts";
import { Command } from "./command.tsx";
import { DriftView } from "./drift-view.tsx";
import { bytesText, counted, countText } from "./format.ts";
import { areSmall, betterKeys, isSkewed, partitionSizes } from "./partition-sizes.ts";
import { attempt, card, describe, descriptions, entity, problem, table } from "./state.ts";
import { ScrollTable } from "./table.tsx";

/** The partitions of a table for which `compact` is estimated without a click. */
const ASKED_FOR = 200;

/** The sizes of the files of a table, its columns, and their drift. */
export function SchemaView(): JSX.Element {
  const name = entity.value;
  useEffect(() => {
    void attempt(async () => void (await describe(name)));
  }, [name]);
  const description = descriptions.value.get(name);
  // In the order in which they are known, so that nothing moves when the next one is.
  return (
    <>
      <Sizes key={`sizes of ${name}`} />
      <section>
        <h2>Columns</h2>
        {description === undefined ? <p class="quiet">Reading the schemas…</p> : <Columns {...description} />}
      </section>
      {(description !== undefined || problem.value !== "") && <DriftView key={name} />}
    </>
  );
}

function Columns({ keys, columns, looked }: Description): JSX.Element {
  return (
    <>
      <ScrollTable label="Columns" heads={["column", "type", "note"]}>
        {keys.map((key) => (
          <tr key={key.name}>
            <td class="name">{key.name}</td>
            <td>{key.type}</td>
            <td class="quiet">partition key</td>
          </tr>
        ))}
        {columns.map((column) => (
          <tr key={column.name}>
            <td class="name">{column.name}</td>
            <td>{column.type}</td>
            <td>{column.problem ?? (column.source && `called ${column.source} in the files`)}</td>
          </tr>
        ))}
      </ScrollTable>
      <p class="quiet">
        {countText(looked.partitions)} of {counted(looked.of, "partition")} looked at
      </p>
    </>
  );
}

function Sizes(): JSX.Element | null {
  const one = card.value;
  if (one === undefined || one.files === 0) return null;
  const most = Math.max(...one.sizes);
  const first = one.sizes.findIndex((files) => files > 0);
  const last = one.sizes.findLastIndex((files) => files > 0);
  return (
    <section>
      <h2>File sizes</h2>
      <table class="bars">
        <tbody>
          {one.sizes.slice(first, last + 1).map((files, i) => (
            <tr key={i}>
              <th scope="row">{rangeText(first + i)}</th>
              <td>
                <meter min={0} max={most} value={files}>
                  {files}
                </meter>
              </td>
              <td class="number">{counted(files, "file")}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="quiet">
        {bytesText(Math.round(one.bytes / one.files))} on average; {counted(one.smallFiles, "file")} below 1
        MB
      </p>
      {one.smallFiles > one.partitions && (
        <p>
          More than one small file a partition. This merges them:{" "}
          <Command words={["parquetry", "compact", one.entity]} />
        </p>
      )}
      {one.files > one.partitions && <Compaction name={one.entity} isSmall={one.partitions <= ASKED_FOR} />}
      {table.value?.entity === one.entity && table.value.isDone && <PartitionFindings data={table.value} />}
      {one.strays > 0 && (
        <p>
          {counted(one.strays, "file")} {one.strays === 1 ? "looks" : "look"} like data and{" "}
          {one.strays === 1 ? "is" : "are"} not read, such as <code>{one.strayExamples[0]}</code>
        </p>
      )}
    </section>
  );
}

/** Partitions that are too small, or of very different sizes, and the fewer keys that settle it. */
function PartitionFindings({ data }: { readonly data: TableData }): JSX.Element | null {
  const now = partitionSizes(data, data.keys.length);
  const findings = [
    ...(areSmall(now) ? [`Small partitions: half of them have less than ${bytesText(now.median)}.`] : []),
    ...(isSkewed(now)
      ? [
          `Skew: ${now.largestName} has ${bytesText(now.largest)}, ${countText(Math.round(now.largest / Math.max(1, now.median)))} times the median.`,
        ]
      : []),
  ];
  if (findings.length === 0) return null;
  const better = betterKeys(data);
  return (
    <>
      <p>{findings.join(" ")}</p>
      {better !== undefined && (
        <p>
          A copy with the {better.keys.length === 1 ? "key" : "keys"} {better.keys.join(", ")} has{" "}
          {counted(better.partitions, "partition")} instead of {countText(now.partitions)}, half of them with
          at least {bytesText(better.median)}, and the largest with {bytesText(better.largest)}:{" "}
          <Command
            words={[
              ...[
                "parquetry",
                "compact",
                data.entity,
                "--into",
                `${data.entity}_by_${better.keys.join("_")}`,
              ],
              ...["--keys", better.keys.join(",")],
            ]}
          />
        </p>
      )}
    </>
  );
}

/** What `compact` would do. It reads every manifest, so for many partitions it is asked for. */
function Compaction({ name, isSmall }: { readonly name: string; readonly isSmall: boolean }): JSX.Element {
  const found = useSignal<CompactionEstimate | undefined>(undefined);
  const isBusy = useSignal(false);
  const estimate = (): Promise<void> =>
    attempt(async () => {
      isBusy.value = true;
      try {
        found.value = await ask(query("/api/compaction", { name }));
      } finally {
        isBusy.value = false;
      }
    });
  useEffect(() => {
    if (isSmall) void estimate();
  }, [isSmall]);
  const now = found.value;
  if (now === undefined)
    return (
      <p>
        <button type="button" disabled={isBusy.value} onClick={estimate}>
          Show what compact would do
        </button>{" "}
        <span class="quiet">{isBusy.value ? "Reading manifests…" : "A dry run: nothing is written."}</span>
      </p>
    );
  return (
    <>
      <p>
        compact would replace {counted(now.files, "file")} ({bytesText(now.bytes)}) by{" "}
        {counted(now.partitions, "file")}, one a partition.
      </p>
      {now.unchanged.map(({ reason, partitions }) => (
        <p key={reason} class="quiet">
          {counted(partitions, "partition")} unchanged: {reason}
        </p>
      ))}
      {now.problems.map((problem) => (
        <p key={problem} class="problem">
          {problem}
        </p>
      ))}
    </>
  );
}

/** Class 0 is below 1 kB; class n from 4^(n-1) kB to 4^n kB. */
function rangeText(sizeClass: number): string {
  if (sizeClass === 0) return "below 1 kB";
  return `${bytesText(1000 * 4 ** (sizeClass - 1))} to ${bytesText(1000 * 4 ** sizeClass)}`;
}
