import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { ask, query } from "./api.ts";
import { bytesText, counted, countText } from "./format.ts";
import { attempt, card, describe, descriptions, entity } from "./state.ts";

/** What `storage.inspect` reports, as far as the page shows it. */
interface Inspection {
  readonly drift: readonly {
    readonly column: string;
    readonly types: readonly {
      readonly type: string;
      readonly partitions: number;
      readonly example: string;
    }[];
  }[];
}

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
      <Drift key={name} />
      <Sizes />
    </>
  );
}

function Drift(): JSX.Element {
  const found = useSignal<Inspection | undefined>(undefined);
  const isBusy = useSignal(false);
  const check = (): Promise<void> =>
    attempt(async () => {
      isBusy.value = true;
      try {
        found.value = await ask(query("/api/inspect", { name: entity.value }));
      } finally {
        isBusy.value = false;
      }
    });
  const drift = found.value?.drift;
  return (
    <section>
      <h2>Drift</h2>
      {drift === undefined ? (
        <p>
          <button type="button" disabled={isBusy.value} onClick={check}>
            Compare the schemas of all partitions
          </button>{" "}
          <span class="quiet">
            {isBusy.value ? "Reading every footer…" : "This reads the footer of every file."}
          </span>
        </p>
      ) : drift.length === 0 ? (
        <p>Every column has the same type in every partition.</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">column</th>
              <th scope="col">type</th>
              <th scope="col">partitions</th>
              <th scope="col">such as</th>
            </tr>
          </thead>
          <tbody>
            {drift.flatMap(({ column, types }) =>
              types.map(({ type, partitions, example }, i) => (
                <tr key={`${column} ${type}`}>
                  <td>{i === 0 ? column : ""}</td>
                  <td>{type}</td>
                  <td class="number">{countText(partitions)}</td>
                  <td class="path">{example}</td>
                </tr>
              )),
            )}
          </tbody>
        </table>
      )}
    </section>
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
          More than one small file a partition. Merge them, after a look at what it would do:{" "}
          <code>parquetry compact {one.entity} --dry-run</code>
        </p>
      )}
      {one.strays > 0 && (
        <p>
          {counted(one.strays, "file")} {one.strays === 1 ? "looks" : "look"} like data and{" "}
          {one.strays === 1 ? "is" : "are"} not read, such as <code>{one.strayExamples[0]}</code>
        </p>
      )}
    </section>
  );
}

/** Class 0 is below 1 kB; class n from 4^(n-1) kB to 4^n kB. */
function rangeText(sizeClass: number): string {
  if (sizeClass === 0) return "below 1 kB";
  return `${bytesText(1000 * 4 ** (sizeClass - 1))} to ${bytesText(1000 * 4 ** sizeClass)}`;
}
