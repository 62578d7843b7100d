import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { ask, type FileList, query } from "./api.ts";
import { bytesText, counted, countText, timeText, valueText } from "./format.ts";
import { amountOf, type Cell, fixedValues, type Grid, gridOf, pathOf, scaleOf, type Value } from "./grid.ts";
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
  if (data === undefined) return <p class="quiet">Listing…</p>;
  if (data.keys.length === 0) return <Single />;
  const first = fixedValues(data);
  const levels: (readonly Value[])[] = [first];
  for (let depth = first.length + 2; depth < data.keys.length && chosen.value.length >= depth; depth += 2)
    levels.push(chosen.value.slice(0, depth));
  return (
    <>
      <Choices />
      {levels.map((above) => (
        <Level key={JSON.stringify(above)} above={above} />
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
      <Files folder={entity.value} />
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

function Level({ above }: { readonly above: readonly Value[] }): JSX.Element {
  const grid = useComputed(() => table.value && gridOf(table.value, above, counts.value));
  if (grid.value === undefined) return <p class="quiet">No partitions below.</p>;
  const { yKey, xKey, gaps, cells } = grid.value;
  const names = [yKey, xKey].filter((name) => name !== undefined).join(" × ");
  const here = above.map((value, i) => `${table.value?.keys[i]}=${valueText(value)}`).join(", ");
  return (
    <section class="level">
      <h2>
        {names} {here !== "" && <span class="quiet">of {here}</span>}
      </h2>
      <p class="quiet">
        {counted(cells.length - gaps, yKey === undefined ? "partition" : "cell")}
        {gaps > 0 && (
          <>
            , <strong class="gap">{counted(gaps, "gap")}</strong>
          </>
        )}
      </p>
      <Picture grid={grid.value} above={above} />
      <Legend grid={grid.value} />
      <CellTable grid={grid.value} />
    </section>
  );
}

/** The side of a cell, in pixels. */
const [MIN_CELL, MAX_CELL] = [3, 22];
const LABEL_HEIGHT = 18;

function Picture({ grid, above }: { readonly grid: Grid; readonly above: readonly Value[] }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const at = useSignal<number | undefined>(undefined);
  const width = useSignal(0);
  const { ys, xs, cells, yKey } = grid;
  const labelWidth =
    yKey === undefined ? 0 : Math.min(160, 12 + 7 * Math.max(...ys.map((y) => valueText(y ?? null).length)));
  const fitting = Math.floor((width.value - labelWidth - 2) / Math.max(1, xs.length));
  const side = Math.max(MIN_CELL, Math.min(MAX_CELL, fitting));
  // One key is a strip, which wraps; two keys scroll sideways.
  const perLine =
    yKey === undefined ? Math.max(1, Math.floor((width.value - 2) / Math.max(side, 12))) : xs.length;
  const box = yKey === undefined ? Math.max(side, 12) : side;
  const lines = yKey === undefined ? Math.ceil(xs.length / perLine) : ys.length;
  const head = yKey === undefined ? 0 : LABEL_HEIGHT;
  const size = { width: labelWidth + perLine * box + 1, height: head + lines * box + 1 };

  const boxOf = (index: number): readonly [number, number] =>
    yKey === undefined
      ? [(index % perLine) * box, Math.floor(index / perLine) * box]
      : [labelWidth + (index % xs.length) * box, head + Math.floor(index / xs.length) * box];
  const indexAt = (x: number, y: number): number | undefined => {
    const [column, line] = [Math.floor((x - labelWidth) / box), Math.floor((y - head) / box)];
    if (column < 0 || line < 0 || column >= perLine || line >= lines) return undefined;
    const index = line * perLine + column;
    return index < cells.length ? index : undefined;
  };

  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      width.value = Math.floor(entry?.contentRect.width ?? 0);
    });
    if (frame.current !== null) observer.observe(frame.current);
    return () => observer.disconnect();
  }, []);

  const depth = above.length;
  const picked = indexOfChosen(grid, chosen.value, depth);
  const touched = touchedCells(grid, above);
  useLayoutEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (canvas.current === null || context === null || context === undefined || width.value === 0) return;
    const ratio = window.devicePixelRatio;
    canvas.current.width = size.width * ratio;
    canvas.current.height = size.height * ratio;
    context.scale(ratio, ratio);
    const ink = coloursOf(canvas.current);
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = ink.text;
    if (yKey !== undefined) drawLabels(context, { ys, xs, labelWidth, head, box });
    const scale = scaleOf(grid, measure.value);
    const inset = box >= 6 ? 1 : 0.5;
    for (const [index, cell] of cells.entries()) {
      const [x, y] = boxOf(index);
      if (cell === undefined) {
        context.strokeStyle = ink.gap;
        if (box >= 6) context.strokeRect(x + 1.5, y + 1.5, box - 3, box - 3);
        continue;
      }
      const amount = amountOf(cell, measure.value);
      context.globalAlpha = touched !== undefined && !touched.has(index) ? 0.25 : 1;
      context.fillStyle = amount === undefined ? ink.unknown : ink.scale(scale(amount));
      context.fillRect(x + inset / 2, y + inset / 2, box - inset, box - inset);
      context.globalAlpha = 1;
    }
    context.lineWidth = 2;
    for (const [index, colour] of [
      [picked, ink.picked],
      [at.value, ink.text],
    ] as const) {
      if (index === undefined) continue;
      const [x, y] = boxOf(index);
      context.strokeStyle = colour;
      context.strokeRect(x, y, box, box);
    }
  });

  const pick = (index: number | undefined): void => {
    if (index === undefined) return;
    at.value = index;
    if (cells[index] === undefined) return;
    const own = valuesOf(grid, index);
    const isSame = picked === index;
    chosen.value = isSame ? above : [...above, ...own];
  };
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: perLine, ArrowUp: -perLine }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const next = at.value === undefined ? 0 : at.value + step;
      if (next >= 0 && next < cells.length) at.value = next;
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      pick(at.value);
    }
  };
  const place = (event: MouseEvent): number | undefined => indexAt(event.offsetX, event.offsetY);
  return (
    <div class="picture" ref={frame}>
      <div class="scroll">
        {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: the role says that keys work */}
        <canvas
          ref={canvas}
          style={{ width: `${size.width}px`, height: `${size.height}px` }}
          tabIndex={0}
          role="application"
          aria-label={`Partition map of ${entity.value}. Arrow keys move, Enter chooses.`}
          onMouseMove={(event) => {
            at.value = place(event);
          }}
          onMouseLeave={() => {
            at.value = undefined;
          }}
          onClick={(event) => pick(place(event))}
          onKeyDown={move}
        />
      </div>
      <p class="told" aria-live="polite">
        {at.value === undefined ? "Point at a cell to see its numbers." : describeCell(grid, at.value)}
      </p>
    </div>
  );
}

interface LabelPlace {
  readonly ys: Grid["ys"];
  readonly xs: Grid["xs"];
  readonly labelWidth: number;
  readonly head: number;
  readonly box: number;
}

/** Labels that would overlap are left out. */
function drawLabels(context: CanvasRenderingContext2D, { ys, xs, labelWidth, head, box }: LabelPlace): void {
  context.textBaseline = "middle";
  context.textAlign = "right";
  const everyRow = Math.max(1, Math.ceil(12 / box));
  for (const [i, y] of ys.entries()) {
    if (i % everyRow !== 0) continue;
    context.fillText(valueText(y ?? null), labelWidth - 6, head + (i + 0.5) * box, labelWidth - 8);
  }
  context.textAlign = "left";
  let free = 0;
  for (const [i, x] of xs.entries()) {
    const left = labelWidth + i * box;
    if (left < free) continue;
    const text = valueText(x);
    context.fillText(text, left, head / 2);
    free = left + context.measureText(text).width + 8;
  }
}

function valuesOf({ yKey, ys, xs }: Grid, index: number): readonly Value[] {
  const x = xs[index % xs.length] ?? null;
  return yKey === undefined ? [x] : [ys[Math.floor(index / xs.length)] ?? null, x];
}

function indexOfChosen(grid: Grid, values: readonly Value[], depth: number): number | undefined {
  const own = values.slice(depth, depth + (grid.yKey === undefined ? 1 : 2));
  if (own.length === 0) return undefined;
  const x = grid.xs.indexOf(own.at(-1) ?? null);
  const y = grid.yKey === undefined ? 0 : grid.ys.indexOf(own[0] ?? null);
  return x < 0 || y < 0 ? undefined : y * grid.xs.length + x;
}

/** The cells that the planned query reads, or undefined if none is planned for this table. */
function touchedCells(grid: Grid, above: readonly Value[]): Set<number> | undefined {
  const data = table.value;
  const planned = explanation.value?.tables.find((one) => one.entity === entity.value);
  if (data === undefined || planned?.folders === undefined) return undefined;
  const read = new Set(planned.folders);
  const cells = new Set<number>();
  for (const [i, folder] of data.folders.entries()) {
    const values = data.values[i] ?? [];
    if (!read.has(`${data.entity}/${folder}`) || above.some((value, k) => values[k] !== value)) continue;
    const index = indexOfChosen(grid, values, above.length);
    if (index !== undefined) cells.add(index);
  }
  return cells;
}

function describeCell(grid: Grid, index: number): string {
  const values = valuesOf(grid, index);
  const keys = grid.yKey === undefined ? [grid.xKey] : [grid.yKey, grid.xKey];
  const name = keys.map((key, i) => `${key}=${valueText(values[i] ?? null)}`).join(" ");
  const cell = grid.cells[index];
  return cell === undefined ? `${name}: nothing` : `${name}: ${numbersOf(cell)}`;
}

function numbersOf(cell: Cell): string {
  const parts = [
    ...(cell.partitions > 1 ? [counted(cell.partitions, "partition")] : []),
    counted(cell.files, "file"),
    bytesText(cell.bytes),
    ...(cell.rows === undefined ? [] : [counted(cell.rows, "row")]),
    ...(measure.value === "nulls" && cell.nulls !== undefined && cell.rows
      ? [`${((100 * cell.nulls) / cell.rows).toFixed(1)} % NULL`]
      : []),
    `written ${timeText(cell.newest)}`,
  ];
  return parts.join(", ");
}

function Legend({ grid }: { readonly grid: Grid }): JSX.Element | null {
  const amounts = grid.cells.flatMap((cell) => {
    const amount = cell && amountOf(cell, measure.value);
    return amount === undefined ? [] : [amount];
  });
  if (amounts.length === 0) return null;
  let [least, most] = [amounts[0] ?? 0, amounts[0] ?? 0];
  for (const amount of amounts) [least, most] = [Math.min(least, amount), Math.max(most, amount)];
  if (measure.value === "nulls") [least, most] = [0, 1];
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
      <span>{text(least)}</span>
      <span class="ramp" aria-hidden="true" />
      <span>{text(most)}</span>
      {grid.gaps > 0 && (
        <span>
          <span class="hole" aria-hidden="true" /> no partition
        </span>
      )}
    </p>
  );
}

const TABLE_ROWS = 200;

/** The map as a table, for those who cannot see it. */
function CellTable({ grid }: { readonly grid: Grid }): JSX.Element {
  const isOpen = useSignal(false);
  const from = useSignal(0);
  const page = [...grid.cells.entries()].slice(from.value, from.value + TABLE_ROWS);
  const keys = grid.yKey === undefined ? [grid.xKey] : [grid.yKey, grid.xKey];
  return (
    <details
      onToggle={(event) => {
        isOpen.value = event.currentTarget.open;
      }}
    >
      <summary>As a table</summary>
      {isOpen.value && (
        <>
          <table>
            <thead>
              <tr>
                {[...keys, "files", "bytes", "rows", "newest write"].map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {page.map(([index, cell]) => (
                <tr key={index}>
                  {valuesOf(grid, index).map((value, i) => (
                    <td key={keys[i]}>{valueText(value)}</td>
                  ))}
                  {cell === undefined ? (
                    <td colSpan={4}>no partition</td>
                  ) : (
                    <>
                      <td class="number">{countText(cell.files)}</td>
                      <td class="number">{bytesText(cell.bytes)}</td>
                      <td class="number">{cell.rows === undefined ? "–" : countText(cell.rows)}</td>
                      <td>{timeText(cell.newest)}</td>
                    </>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
          {grid.cells.length > TABLE_ROWS && (
            <p>
              <button type="button" disabled={from.value === 0} onClick={() => (from.value -= TABLE_ROWS)}>
                Previous
              </button>{" "}
              {countText(from.value + 1)}–{countText(Math.min(from.value + TABLE_ROWS, grid.cells.length))} of{" "}
              {countText(grid.cells.length)}{" "}
              <button
                type="button"
                disabled={from.value + TABLE_ROWS >= grid.cells.length}
                onClick={() => (from.value += TABLE_ROWS)}
              >
                Next
              </button>
            </p>
          )}
        </>
      )}
    </details>
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
  const name = pathOf(chosen.value);
  const folder = data.folders[data.values.findIndex((values) => pathOf(values) === name)];
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
      {folder !== undefined && <Files folder={`${data.entity}/${folder}`} />}
    </section>
  );
}

export function conditionOf(key: string, value: Value): string {
  const name = /^[a-z_][a-z0-9_]*$/.test(key) ? key : `"${key.replaceAll('"', '""')}"`;
  if (value === null) return `${name} IS NULL`;
  return /^(?:0|-?[1-9]\d{0,14})$/.test(value)
    ? `${name} = ${value}`
    : `${name} = '${value.replaceAll("'", "''")}'`;
}

function Files({ folder }: { readonly folder: string }): JSX.Element {
  const list = useSignal<FileList | undefined>(undefined);
  useEffect(() => {
    list.value = undefined;
    void attempt(async () => {
      list.value = await ask(query("/api/files", { folder }));
    });
  }, [folder]);
  if (list.value === undefined) return <p class="quiet">Listing files…</p>;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">file</th>
          <th scope="col">bytes</th>
          <th scope="col">written</th>
        </tr>
      </thead>
      <tbody>
        {list.value.files.map((file) => (
          <tr key={file.key}>
            <td class="path">{file.key.slice(folder.length + 1)}</td>
            <td class="number">{bytesText(file.sizeBytes)}</td>
            <td>{timeText(file.lastModified)}</td>
          </tr>
        ))}
        {list.value.more && (
          <tr>
            <td colSpan={3}>… more files</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

interface Ink {
  readonly text: string;
  readonly gap: string;
  readonly unknown: string;
  readonly picked: string;
  readonly scale: (at: number) => string;
}

/** The colours of the style sheet, which follows light and dark. */
function coloursOf(element: Element): Ink {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const [low, high] = [colour("--scale-low"), colour("--scale-high")].map((hex) =>
    [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)),
  );
  return {
    text: colour("--text"),
    gap: colour("--gap"),
    unknown: colour("--line"),
    picked: colour("--accent"),
    scale: (at) => {
      const mixed = (low ?? []).map((from, i) => Math.round(from + at * ((high?.[i] ?? from) - from)));
      return `rgb(${mixed.join(" ")})`;
    },
  };
}
