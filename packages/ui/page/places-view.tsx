import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { ComparisonTable, UnequalFiles, VerdictCounts } from "../src/answers.ts";
import type { FileVerdict } from "../src/comparison.ts";
import { type CellMaker, gridOf, levelsOf, pathOf } from "../src/map/grid.ts";
import { foldersAt, isBelow, type Value } from "../src/map/partitions.ts";
import { ask, askPartitions, query } from "./api.ts";
import { CellTable } from "./cell-table.tsx";
import { Command } from "./command.tsx";
import { bytesText, counted, countText, valueText } from "./format.ts";
import { Level } from "./level.tsx";
import { Picture } from "./picture.tsx";
import { attempt, chosen, comparison, entity } from "./state.ts";
import { Table } from "./table.tsx";

/** The verdicts, the one that matters most first: it colours a cell. */
const VERDICTS = ["differing", "missing", "unverifiable", "extra", "equal"] as const satisfies FileVerdict[];

const MEANINGS: Readonly<Record<FileVerdict, string>> = {
  differing: "different content",
  missing: "missing at the target",
  unverifiable: "nothing proves them equal or different",
  extra: "only at the target",
  equal: "the same content on both sides",
};

/** A table in two places: which files are equal, missing, differing or unverifiable, by partition. */
export function PlacesView(): JSX.Element {
  const now = comparison.value;
  const name = entity.value;
  const data = useSignal<ComparisonTable | undefined>(undefined);
  const own = now?.tables.find((one) => one.entity === name);
  useEffect(() => {
    // While everything is compared again, the old numbers stay.
    if (own === undefined && now?.isDone) data.value = undefined;
    if (own !== undefined)
      void attempt(async () => {
        const got: ComparisonTable = await askPartitions(query("/api/comparison/table", { name }));
        if (entity.value === name) data.value = got;
      });
  }, [name, now]);
  if (now === undefined) return <p class="quiet">Comparing…</p>;
  const table = data.value;
  return (
    <>
      <p>
        <span class="path">{now.from}</span> next to <span class="path">{now.to}</span>{" "}
        <span class="quiet" aria-live="polite">
          {now.isDone ? "" : "comparing… "}
          {counted(now.files, "file")} compared
        </span>
      </p>
      {now.error !== undefined && <p class="problem">{now.error}</p>}
      {own === undefined ? (
        <p class="quiet">No file of this table is compared yet.</p>
      ) : (
        <Totals total={own.total} bytes={own.bytes} />
      )}
      {table?.entity === name &&
        table.keys.length > 0 &&
        levelsOf(table, chosen.value).map((above) => (
          <VerdictLevel key={pathOf(above)} data={table} above={above} />
        ))}
      {table?.entity === name && table.isDone && own !== undefined && (
        <Remedy total={own.total} folder={name} />
      )}
      {table?.entity === name && chosen.value.length > 0 && <ChosenPartition data={table} />}
    </>
  );
}

function Totals({ total, bytes }: { readonly total: VerdictCounts; readonly bytes?: number }): JSX.Element {
  return (
    <>
      <table>
        <tbody>
          {VERDICTS.toReversed().map((verdict) => (
            <tr key={verdict}>
              <th scope="row">
                <span class={`swatch ${verdict}`} aria-hidden="true" /> {verdict}
              </th>
              <td class="number">{counted(total[verdict], "file")}</td>
              <td class="quiet">{MEANINGS[verdict]}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {bytes !== undefined && <p class="quiet">{bytesText(bytes)}, manifests included</p>}
    </>
  );
}

/** The command that settles what is not equal. The page itself writes nothing. */
function Remedy({
  total,
  folder,
}: {
  readonly total: VerdictCounts;
  readonly folder: string;
}): JSX.Element | null {
  const now = comparison.value;
  const places = ["--from", now?.from ?? "", "--to", now?.to ?? ""];
  const only = folder === "" ? [] : ["--include", `${folder.replaceAll(/[*?{}[\]\\]/g, "\\$&")}/`];
  const remedies: readonly (readonly [FileVerdict, string, readonly string[]])[] = [
    ["missing", "Copy what is missing:", ["migrate", ...places, ...only]],
    [
      "differing",
      "Overwrite what differs at the target, which cannot be undone:",
      ["migrate", ...places, ...only, "--force"],
    ],
    ["unverifiable", "Read both sides:", ["verify", ...places, ...only, "--level", "full"]],
  ];
  const needed = remedies.filter(([verdict]) => total[verdict] > 0);
  if (needed.length === 0) return null;
  return (
    <ul class="remedies">
      {needed.map(([verdict, what, words]) => (
        <li key={verdict}>
          {what} <Command words={["parquetry", ...words]} />
        </li>
      ))}
    </ul>
  );
}

function verdictCells({ numbers }: ComparisonTable): CellMaker<VerdictCounts> {
  return {
    make: () => ({ equal: 0, missing: 0, extra: 0, differing: 0, unverifiable: 0 }),
    add(cell, i) {
      for (const verdict of VERDICTS) cell[verdict] += numbers[verdict][i] ?? 0;
    },
  };
}

/** The verdict that colours a cell. */
function worstOf(cell: VerdictCounts): FileVerdict {
  return VERDICTS.find((verdict) => cell[verdict] > 0) ?? "equal";
}

function describeCell(cell: VerdictCounts): string {
  return VERDICTS.filter((verdict) => cell[verdict] > 0)
    .map((verdict) => `${countText(cell[verdict])} ${verdict}`)
    .join(", ");
}

const COLUMNS: readonly (readonly [string, (cell: VerdictCounts) => string])[] = VERDICTS.map((verdict) => [
  verdict,
  (cell) => countText(cell[verdict]),
]);

function VerdictLevel({
  data,
  above,
}: {
  readonly data: ComparisonTable;
  readonly above: readonly Value[];
}): JSX.Element {
  const grid = gridOf(data, above, verdictCells(data));
  if (grid === undefined) return <p class="quiet">No partitions below, or too many to draw.</p>;
  return (
    <Level grid={grid} isDone={data.isDone} keys={data.keys} above={above}>
      <Picture
        grid={grid}
        above={above}
        name={`Comparison map of ${data.entity}`}
        colour={(cell, ink) => ink.named(`--${worstOf(cell)}`)}
        describe={describeCell}
      />
      <CellTable grid={grid} columns={COLUMNS} />
    </Level>
  );
}

/** The chosen partitions: their files that are not equal, and the commands for them. */
function ChosenPartition({ data }: { readonly data: ComparisonTable }): JSX.Element {
  const values = chosen.value;
  const isWithin = isBelow(data, values);
  const { make, add } = verdictCells(data);
  const total = make();
  let folders: readonly string[] = [];
  for (let i = 0; i < data.size; i++) {
    if (!isWithin(i)) continue;
    add(total, i);
    // The folders of the chosen keys are the first ones of any partition below them.
    if (folders.length === 0) folders = foldersAt(data, i).slice(0, values.length);
  }
  const folder = [data.entity, ...folders].join("/");
  const list = useSignal<UnequalFiles | undefined>(undefined);
  useEffect(() => {
    list.value = undefined;
    void attempt(async () => {
      list.value = await ask(query("/api/comparison/files", { folder }));
    });
  }, [folder, data]);
  return (
    <section class="chosen">
      <h2>{values.map((value, i) => `${data.keys[i]}=${valueText(value)}`).join(" / ")}</h2>
      <Totals total={total} />
      <Remedy total={total} folder={folder} />
      {list.value !== undefined && list.value.files.length > 0 && (
        <Table heads={["file", "state", "bytes"]}>
          {list.value.files.map(({ key, verdict, sizeBytes }) => (
            <tr key={key}>
              <td class="path">{key.slice(folder.length + 1)}</td>
              <td>{verdict}</td>
              <td class="number">{bytesText(sizeBytes)}</td>
            </tr>
          ))}
          {list.value.more && (
            <tr>
              <td colSpan={3}>… more files</td>
            </tr>
          )}
        </Table>
      )}
    </section>
  );
}
