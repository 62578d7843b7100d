import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { type Grid, valuesOf } from "../src/map/grid.ts";
import { countText, valueText } from "./format.ts";
import { Table } from "./table.tsx";

/** Rows on one page. */
const PAGE_ROWS = 200;

interface CellTableProps<Cell> {
  readonly grid: Grid<Cell>;
  /** The columns after the keys: a name, and the text of a cell. */
  readonly columns: readonly (readonly [string, (cell: Cell) => string])[];
}

/** A grid as a table, for those who cannot see the picture. */
export function CellTable<Cell>({ grid, columns }: CellTableProps<Cell>): JSX.Element {
  const isOpen = useSignal(false);
  const from = useSignal(0);
  const keys = grid.yKey === undefined ? [grid.xKey] : [grid.yKey, grid.xKey];
  const end = Math.min(from.value + PAGE_ROWS, grid.cells.length);
  return (
    <details
      onToggle={(event) => {
        isOpen.value = event.currentTarget.open;
      }}
    >
      <summary>As a table</summary>
      {isOpen.value && (
        <>
          <Table heads={[...keys, ...columns.map(([name]) => name)]}>
            {grid.cells.slice(from.value, end).map((cell, i) => (
              <tr key={i}>
                {valuesOf(grid, from.value + i).map((value, k) => (
                  <td key={keys[k]}>{valueText(value)}</td>
                ))}
                {cell === undefined ? (
                  <td colSpan={columns.length}>no partition</td>
                ) : (
                  columns.map(([name, text]) => (
                    <td key={name} class="number">
                      {text(cell)}
                    </td>
                  ))
                )}
              </tr>
            ))}
          </Table>
          {grid.cells.length > PAGE_ROWS && (
            <p>
              <button type="button" disabled={from.value === 0} onClick={() => (from.value -= PAGE_ROWS)}>
                Previous
              </button>{" "}
              {countText(from.value + 1)}–{countText(end)} of {countText(grid.cells.length)}{" "}
              <button
                type="button"
                disabled={end === grid.cells.length}
                onClick={() => (from.value += PAGE_ROWS)}
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
