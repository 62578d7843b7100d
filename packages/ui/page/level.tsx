import type { ComponentChildren, JSX } from "preact";
import type { Grid } from "../src/map/grid.ts";
import type { Value } from "../src/map/partitions.ts";
import { counted, valueText } from "./format.ts";

interface LevelProps {
  readonly grid: Grid<unknown>;
  /** False as long as partitions may follow: a cell that is empty now need not be a gap. */
  readonly isDone: boolean;
  /** All keys of the table, and the values of those above the grid. */
  readonly keys: readonly string[];
  readonly above: readonly Value[];
  readonly children: ComponentChildren;
}

/** A grid with the names of its keys, and the number of its gaps. */
export function Level({ grid, isDone, keys, above, children }: LevelProps): JSX.Element {
  const { yKey, xKey, gaps, cells, unfilled } = grid;
  const names = [yKey, xKey].filter((name) => name !== undefined).join(" × ");
  const here = above.map((value, i) => `${keys[i]}=${valueText(value)}`).join(", ");
  return (
    <section class="level">
      <h2>
        {names} {here !== "" && <span class="quiet">of {here}</span>}
      </h2>
      <p class="quiet">
        {counted(cells.length - gaps, yKey === undefined ? "partition" : "cell")}
        {isDone && gaps > 0 && (
          <>
            , <strong class="gap">{counted(gaps, "gap")}</strong>
          </>
        )}
        {[...unfilled].map(([key, why]) => (
          <span key={key}>
            ; missing values of {key} are not shown: {why}
          </span>
        ))}
      </p>
      {children}
    </section>
  );
}
