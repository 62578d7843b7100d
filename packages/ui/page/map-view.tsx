import { useComputed } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { TableData } from "../src/answers.ts";
import { type Grid, gridOf, levelsOf, pathOf } from "../src/map/grid.ts";
import { foldersAt, isBelow, type Value } from "../src/map/partitions.ts";
import { CellTable } from "./cell-table.tsx";
import { FileTable } from "./file-table.tsx";
import { bytesText, counted, countText, timeText, valueText } from "./format.ts";
import { Level } from "./level.tsx";
import { Picture } from "./picture.tsx";
import { amountOf, extentOf, type SizeCell, scaleOf, sizeCells } from "./size-cell.ts";
import { conditionOf } from "./sql-text.ts";
import {
  attempt,
  card,
  chosen,
  count,
  counts,
  describe,
  descriptions,
  entity,
  explanation,
  isCounting,
  isListed,
  type Measure,
  measure,
  nullColumn,
  sqlText,
  table,
  view,
} from "./state.ts";

const MEASURES: readonly (readonly [Measure, string])[] = [
  ["bytes", "bytes"],
  ["files", "files"],
  ["newest", "newest write"],
  ["rows", "rows"],
  ["nulls", "NULL share of a column"],
];

/** The partitions of a table as a picture. */
export function MapView(): JSX.Element {
  const data = table.value;
  if (data === undefined)
    return (
      <p class="quiet">
        {card.value === undefined && isListed.value ? "There is no such table." : "Listing…"}
      </p>
    );
  if (data.keys.length === 0) return <Single />;
  return (
    <>
      <Choices />
      {levelsOf(data, chosen.value).map((above) => (
        <SizeLevel key={pathOf(above)} above={above} />
      ))}
      <Chosen />
    </>
  );
}

function Single(): JSX.Element {
  const one = card.value;
  return (
    <section>
      <p>This table has no partition keys.</p>
      {one && (
        <p>
          {counted(one.files, "file")}, {bytesText(one.bytes)}, newest {timeText(one.newest)}
        </p>
      )}
      <FileTable folder={entity.value} />
    </section>
  );
}

function Choices(): JSX.Element {
  const name = entity.value;
  const columns = descriptions.value.get(name)?.columns ?? [];
  const choose = (next: Measure): void => {
    measure.value = next;
    if (next === "rows" && counts.value === undefined) void count("");
    if (next === "nulls") void attempt(async () => void (await describe(name)));
  };
  useEffect(() => {
    // The URL may name a measure that has to be counted first.
    if (counts.value === undefined && !isCounting.value && measure.value === "rows") void count("");
    if (counts.value === undefined && measure.value === "nulls") {
      void attempt(async () => void (await describe(name)));
      if (nullColumn.value !== "") void count(nullColumn.value);
    }
  }, [name]);
  return (
    <div class="choices">
      <label>
        Colour by{" "}
        <select value={measure.value} onChange={(event) => choose(event.currentTarget.value as Measure)}>
          {MEASURES.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {measure.value === "nulls" && (
        <label>
          Column{" "}
          <select
            value={nullColumn.value}
            onChange={(event) => {
              nullColumn.value = event.currentTarget.value;
              void count(nullColumn.value);
            }}
          >
            <option value="">choose…</option>
            {columns.map((column) => (
              <option key={column.name}>{column.name}</option>
            ))}
          </select>
        </label>
      )}
      {isCounting.value && <span class="quiet">Counting rows…</span>}
    </div>
  );
}

function SizeLevel({ above }: { readonly above: readonly Value[] }): JSX.Element {
  const grid = useComputed(
    () => table.value && gridOf(table.value, above, sizeCells(table.value, counts.value)),
  ).value;
  if (grid === undefined) return <p class="quiet">No partitions below, or too many to draw.</p>;
  const scale = scaleOf(grid, measure.value);
  return (
    <Level grid={grid} isDone={table.value?.isDone === true} keys={table.value?.keys ?? []} above={above}>
      <Legend grid={grid} />
      <Picture
        grid={grid}
        above={above}
        name={`Partition map of ${entity.value}`}
        colour={(cell, ink) => {
          const amount = amountOf(cell, measure.value);
          return amount === undefined ? ink.named("--line") : ink.scale(scale(amount));
        }}
        describe={describeCell}
        lit={touchedCells(grid)}
      />
      <CellTable grid={grid} columns={COLUMNS} />
    </Level>
  );
}

const COLUMNS: readonly (readonly [string, (cell: SizeCell) => string])[] = [
  ["files", ({ files }) => countText(files)],
  ["bytes", ({ bytes }) => bytesText(bytes)],
  ["rows", ({ rows }) => (rows === undefined ? "–" : countText(rows))],
  ["newest write", ({ newest }) => timeText(newest)],
];

function describeCell({ partitions, files, bytes, rows, nulls, newest }: SizeCell): string {
  const parts = [
    ...(partitions > 1 ? [counted(partitions, "partition")] : []),
    counted(files, "file"),
    bytesText(bytes),
    ...(rows === undefined ? [] : [counted(rows, "row")]),
    ...(measure.value === "nulls" && nulls !== undefined && rows
      ? [`${((100 * nulls) / rows).toFixed(1)} % NULL`]
      : []),
    `written ${timeText(newest)}`,
  ];
  return parts.join(", ");
}

/** The cells that the planned query reads, or undefined if none is planned for this table. */
function touchedCells(grid: Grid<SizeCell>): Set<number> | undefined {
  const data = table.value;
  const planned = explanation.value?.tables.find((one) => one.entity === entity.value);
  if (data === undefined || planned?.folders === undefined) return undefined;
  const read = new Set<string>(planned.folders);
  const cells = new Set<number>();
  for (let i = 0; i < data.size; i++) {
    const index = grid.cellOf(i);
    if (index === undefined || cells.has(index)) continue;
    if (read.has([data.entity, ...foldersAt(data, i)].join("/"))) cells.add(index);
  }
  return cells;
}

function Legend({ grid }: { readonly grid: Grid<SizeCell> }): JSX.Element {
  const extent = extentOf(grid, measure.value);
  if (extent === undefined) return <p class="legend" />;
  const text = (amount: number): string =>
    ({
      bytes: bytesText(amount),
      files: countText(amount),
      rows: countText(amount),
      newest: timeText(amount),
      nulls: `${Math.round(100 * amount)} %`,
    })[measure.value];
  return (
    <p class="legend">
      <span>{text(extent[0])}</span>
      {extent[0] < extent[1] && (
        <>
          <span class="ramp" aria-hidden="true" />
          <span>{text(extent[1])}</span>
        </>
      )}
      {grid.gaps > 0 && (
        <span>
          <span class="hole" aria-hidden="true" /> no partition
        </span>
      )}
    </p>
  );
}

/** The chosen cell of the map: its files, and a query of its rows. */
function Chosen(): JSX.Element | null {
  const data = table.value;
  if (data === undefined || chosen.value.length === 0) return null;
  const conditions = chosen.value.map((value, i) => conditionOf(data.keys[i] ?? "", value));
  const queryThese = (): void => {
    sqlText.value = `SELECT *\nFROM "${entity.value}"\nWHERE ${conditions.join("\n  AND ")}\nLIMIT 1000`;
    view.value = "sql";
  };
  const folder = folderOf(data, chosen.value);
  return (
    <section class="chosen">
      <h2>{chosen.value.map((value, i) => `${data.keys[i]}=${valueText(value)}`).join(" / ")}</h2>
      <p>
        <button type="button" onClick={queryThese}>
          Query these rows
        </button>{" "}
        <button
          type="button"
          onClick={() => {
            chosen.value = [];
          }}
        >
          Clear
        </button>
      </p>
      {folder !== undefined && <FileTable folder={folder} />}
    </section>
  );
}

/** The folder of the partition that has exactly these values, if there is one. */
function folderOf(data: TableData, values: readonly Value[]): string | undefined {
  const isWithin = isBelow(data, values);
  for (let i = 0; i < data.size; i++) {
    if (!isWithin(i)) continue;
    const folders = foldersAt(data, i);
    if (folders.length === values.length) return [data.entity, ...folders].join("/");
  }
  return undefined;
}
