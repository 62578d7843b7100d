import { signal, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { type Grid, indexOf, valuesOf } from "../src/map/grid.ts";
import type { Value } from "../src/map/partitions.ts";
import { valueText } from "./format.ts";
import { chosen } from "./state.ts";

const darkScheme = matchMedia("(prefers-color-scheme: dark)");
/** Whether the page is dark. Unlike the style sheet, a canvas has to be drawn again when that changes. */
const isDark = signal(darkScheme.matches);
darkScheme.addEventListener("change", ({ matches }) => {
  isDark.value = matches;
});

/** The side of a cell, in pixels. */
const [MIN_CELL, MAX_CELL] = [3, 22];
/** The side of a cell that is easy to point at, and the side of a picture above which its cells become smaller, in pixels. */
const [EASY_CELL, MAX_SIDE] = [12, 12_000];
/** The side of a cell whose gap is outlined. */
const MIN_OUTLINED = 6;
const LABEL_HEIGHT = 18;

/** The colours of the style sheet, which follows light and dark. */
export interface Ink {
  readonly named: (name: string) => string;
  /** A place on the colour scale, 0 to 1. */
  readonly scale: (at: number) => string;
}

interface PictureProps<Cell> {
  readonly grid: Grid<Cell>;
  /** The values of the keys above the grid. */
  readonly above: readonly Value[];
  /** The description of the picture for screen readers. */
  readonly name: string;
  readonly colour: (cell: Cell, ink: Ink) => string;
  readonly describe: (cell: Cell) => string;
  /** The cells that are drawn in full; the others are faded. */
  readonly lit?: ReadonlySet<number> | undefined;
}

/** A grid as a picture. Pointing at a cell, or moving to it, describes it; a click or Enter chooses it. */
export function Picture<Cell>({ grid, above, name, colour, describe, lit }: PictureProps<Cell>): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const at = useSignal<number | undefined>(undefined);
  const width = useSignal(0);
  const { cells } = grid;
  const plan = layOut(grid, width.value);
  const { size, perLine, lines, box } = plan;

  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      width.value = Math.floor(entry?.contentRect.width ?? 0);
    });
    if (frame.current === null) return;
    // Before the first paint, so that nothing moves after it.
    width.value = frame.current.clientWidth;
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, []);

  // Read, so that it is drawn again.
  void isDark.value;
  const picked = indexOf(grid, chosen.value, above.length);
  useLayoutEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (canvas.current === null || context === null || context === undefined || width.value === 0) return;
    const ratio = window.devicePixelRatio;
    canvas.current.width = size.width * ratio;
    canvas.current.height = size.height * ratio;
    context.scale(ratio, ratio);
    const ink = inkOf(canvas.current);
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = ink.named("--text");
    if (grid.yKey !== undefined) drawLabels(context, grid, plan);
    const inset = box >= MIN_OUTLINED ? 1 : 0.5;
    context.strokeStyle = ink.named("--gap");
    for (const [index, cell] of cells.entries()) {
      const [x, y] = plan.placeOf(index);
      if (cell === undefined) {
        if (box >= MIN_OUTLINED) context.strokeRect(x + 1.5, y + 1.5, box - 3, box - 3);
        continue;
      }
      context.globalAlpha = lit !== undefined && !lit.has(index) ? 0.25 : 1;
      context.fillStyle = colour(cell, ink);
      context.fillRect(x + inset / 2, y + inset / 2, box - inset, box - inset);
    }
    context.globalAlpha = 1;
    context.lineWidth = 2;
    for (const [index, line] of [
      [picked, "--accent"],
      [at.value, "--text"],
    ] as const) {
      if (index === undefined) continue;
      const [x, y] = plan.placeOf(index);
      context.strokeStyle = ink.named(line);
      context.strokeRect(x, y, box, box);
    }
  });

  const pick = (index: number | undefined): void => {
    if (index === undefined) return;
    at.value = index;
    if (cells[index] === undefined) return;
    chosen.value = picked === index ? above : [...above, ...valuesOf(grid, index)];
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
  const pointed = ({ offsetX, offsetY }: MouseEvent): number | undefined => {
    const [column, line] = [
      Math.floor((offsetX - plan.labelWidth) / box),
      Math.floor((offsetY - plan.head) / box),
    ];
    if (column < 0 || line < 0 || column >= perLine || line >= lines) return undefined;
    const index = line * perLine + column;
    return index < cells.length ? index : undefined;
  };
  const told = at.value;
  return (
    <div class="picture" ref={frame}>
      <p class="told" aria-live="polite">
        {told === undefined
          ? "Point at a cell to see its numbers."
          : `${nameOf(grid, told)}: ${cells[told] === undefined ? "nothing" : describe(cells[told])}`}
      </p>
      <div class="scroll">
        {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: the role says that keys work */}
        <canvas
          ref={canvas}
          style={{ width: `${size.width}px`, height: `${size.height}px` }}
          tabIndex={0}
          role="application"
          aria-label={`${name}. Arrow keys move, Enter chooses.`}
          onMouseMove={(event) => {
            at.value = pointed(event);
          }}
          onMouseLeave={() => {
            at.value = undefined;
          }}
          onClick={(event) => pick(pointed(event))}
          onKeyDown={move}
        />
      </div>
    </div>
  );
}

function nameOf(grid: Grid<unknown>, index: number): string {
  const keys = grid.yKey === undefined ? [grid.xKey] : [grid.yKey, grid.xKey];
  return valuesOf(grid, index)
    .map((value, i) => `${keys[i]}=${valueText(value)}`)
    .join(" ");
}

interface Layout {
  readonly size: { readonly width: number; readonly height: number };
  readonly labelWidth: number;
  readonly head: number;
  /** The side of a cell. */
  readonly box: number;
  readonly perLine: number;
  readonly lines: number;
  placeOf(index: number): readonly [number, number];
}

/** One key is a strip, which wraps; two keys scroll. */
function layOut({ yKey, ys, xs }: Grid<unknown>, width: number): Layout {
  const isStrip = yKey === undefined;
  const longest = ys.reduce((most, y) => Math.max(most, valueText(y ?? null).length), 0);
  const labelWidth = isStrip ? 0 : Math.min(160, 12 + 7 * longest);
  const fitting = Math.floor((width - labelWidth - 2) / Math.max(1, xs.length));
  // A strip of n cells of this side is as high as n * side * side / width.
  const scrolling = isStrip
    ? Math.floor(Math.sqrt((MAX_SIDE * Math.max(1, width)) / xs.length))
    : Math.floor(MAX_SIDE / Math.max(xs.length, ys.length));
  const least = Math.max(MIN_CELL, Math.min(EASY_CELL, scrolling));
  const box = Math.max(least, Math.min(MAX_CELL, fitting));
  const perLine = isStrip ? Math.max(1, Math.floor((width - 2) / box)) : xs.length;
  const lines = isStrip ? Math.ceil(xs.length / perLine) : ys.length;
  const head = isStrip ? 0 : LABEL_HEIGHT;
  return {
    size: { width: labelWidth + perLine * box + 1, height: head + lines * box + 1 },
    ...{ labelWidth, head, box, perLine, lines },
    placeOf: (index) => [labelWidth + (index % perLine) * box, head + Math.floor(index / perLine) * box],
  };
}

/** Labels that would overlap are left out. */
function drawLabels(
  context: CanvasRenderingContext2D,
  { ys, xs }: Grid<unknown>,
  { size, labelWidth, head, box }: Layout,
): void {
  context.textBaseline = "middle";
  context.textAlign = "right";
  const everyRow = Math.max(1, Math.ceil(12 / box));
  for (const [i, y] of ys.entries()) {
    if (i % everyRow !== 0) continue;
    const text = shortened(context, valueText(y ?? null), labelWidth - 8);
    context.fillText(text, labelWidth - 6, head + (i + 0.5) * box);
  }
  context.textAlign = "left";
  let free = 0;
  for (const [i, x] of xs.entries()) {
    const left = labelWidth + i * box;
    if (left < free) continue;
    const text = shortened(context, valueText(x), size.width - free);
    const { width } = context.measureText(text);
    // A label that is wider than the cells to its right ends with them.
    const from = Math.min(left, size.width - width);
    context.fillText(text, from, head / 2);
    free = from + width + 8;
  }
}

/** The text, or as much of its beginning as fits. */
function shortened(context: CanvasRenderingContext2D, text: string, width: number): string {
  const letters = [...text];
  let shown = text;
  while (letters.length > 1 && context.measureText(shown).width > width) {
    letters.pop();
    shown = `${letters.join("")}…`;
  }
  return shown;
}

function inkOf(element: Element): Ink {
  const style = getComputedStyle(element);
  const known = new Map<string, string>();
  const named = (name: string): string => {
    const colour = known.get(name) ?? style.getPropertyValue(name).trim();
    known.set(name, colour);
    return colour;
  };
  const [low, high] = [named("--scale-low"), named("--scale-high")].map((hex) =>
    [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)),
  );
  return {
    named,
    scale: (at) => {
      const mixed = (low ?? []).map((from, i) => Math.round(from + at * ((high?.[i] ?? from) - from)));
      return `rgb(${mixed.join(" ")})`;
    },
  };
}
