import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { CompactionEstimate } from "../src/answers.ts";
import { ask, query } from "./api.ts";
import { Command } from "./command.tsx";
import { DriftView } from "./drift-view.tsx";
import { bytesText, counted, countText } from "./format.ts";
import { attempt, card, describe, descriptions, entity } from "./state.ts";

/** The columns of a table, their drift, and the sizes of its files. */
export function SchemaView(): JSX.Element {
  const name = entity.value;
  useEffect(() => {
    void attempt(async () => void (await describe(name)));
  }, [name]);
  const description = descriptions.value.get(name);
  return (
    <>
      <section>
        <h2>Columns</h2>
        {description === undefined ? (
          <p class="quiet">Reading the schemas…</p>
        ) : (
          <>
            <table>
              <thead>
                <tr>
                  <th scope="col">column</th>
                  <th scope="col">type</th>
                  <th scope="col">note</th>
                </tr>
              </thead>
              <tbody>
                {description.keys.map((key) => (
                  <tr key={key.name}>
                    <td>{key.name}</td>
                    <td>{key.type}</td>
                    <td class="quiet">partition key</td>
                  </tr>
                ))}
                {description.columns.map((column) => (
                  <tr key={column.name}>
                    <td>{column.name}</td>
                    <td>{column.type}</td>
                    <td>{column.problem ?? (column.source && `called ${column.source} in the files`)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
            <p class="quiet">
              {countText(description.looked.partitions)} of {counted(description.looked.of, "partition")}{" "}
              looked at
            </p>
          </>
        )}
      </section>
      <DriftView key={name} />
      <Sizes key={`sizes of ${name}`} />
    </>
  );
}

function Sizes(): JSX.Element | null {
  const one = card.value;
  if (one === undefined || one.files === 0) return null;
  const most = Math.max(...one.sizes);
  const first = one.sizes.findIndex((files) => files > 0);
  const last = one.sizes.findLastIndex((files) => files > 0);
  const averageBytes = one.bytes / one.files;
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
        {bytesText(averageBytes)} on average; {counted(one.smallFiles, "file")} below 1 MB
      </p>
      {one.smallFiles > one.partitions && (
        <p>
          More than one small file a partition. This merges them:{" "}
          <Command words={["parquetry", "compact", one.entity]} />
        </p>
      )}
      {one.files > one.partitions && <Compaction name={one.entity} />}
      {one.strays > 0 && (
        <p>
          {counted(one.strays, "file")} {one.strays === 1 ? "looks" : "look"} like data and{" "}
          {one.strays === 1 ? "is" : "are"} not read, such as <code>{one.strayExamples[0]}</code>
        </p>
      )}
    </section>
  );
}

/** What `compact` would do, on demand: it reads every manifest. */
function Compaction({ name }: { readonly name: string }): JSX.Element {
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
