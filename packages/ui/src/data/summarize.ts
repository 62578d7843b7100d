import { yieldIfDue } from "@parquetry/core/unstable";
import type { ColumnSummary } from "../answers.ts";
import type { ResultSpool } from "./result-spool.ts";

/** Bars of a distribution. */
const BARS = 20;
/** Values of a column without numbers that are counted. */
const MAX_DISTINCT = 1000;
/** Rows that a summary looks at. */
const MAX_ROWS = 1_000_000;
const BATCH_ROWS = 5000;

const NUMBER_TYPE = /^U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?$|^DECIMAL|^DOUBLE$|^FLOAT$/;

/** Summarizes the columns of a result in two passes over its rows. */
export async function summarize(spool: ResultSpool): Promise<readonly ColumnSummary[]> {
  const rows = Math.min(spool.rows, MAX_ROWS);
  const columns = spool.columns.map(({ name, type }) => ({
    name,
    isNumber: NUMBER_TYPE.test(type),
    nulls: 0,
    least: Number.POSITIVE_INFINITY,
    most: Number.NEGATIVE_INFINITY,
    bars: new Array<number>(BARS).fill(0),
    counts: new Map<string, number>(),
    isMore: false,
  }));
  await forEachRow(spool, rows, (cells) => {
    for (const [i, column] of columns.entries()) {
      const cell = cells[i] ?? null;
      if (cell === null) column.nulls++;
      else if (column.isNumber) {
        const number = Number(cell);
        if (!Number.isFinite(number)) continue;
        column.least = Math.min(column.least, number);
        column.most = Math.max(column.most, number);
      } else if (column.counts.has(cell) || column.counts.size < MAX_DISTINCT)
        column.counts.set(cell, (column.counts.get(cell) ?? 0) + 1);
      else column.isMore = true;
    }
  });
  if (columns.some(({ isNumber }) => isNumber))
    await forEachRow(spool, rows, (cells) => {
      for (const [i, { isNumber, least, most, bars }] of columns.entries()) {
        const number = Number(cells[i] ?? Number.NaN);
        if (!isNumber || !Number.isFinite(number)) continue;
        const bar = most === least ? 0 : Math.floor((BARS * (number - least)) / (most - least));
        bars[Math.min(bar, BARS - 1)] = (bars[Math.min(bar, BARS - 1)] ?? 0) + 1;
      }
    });
  return columns.map(({ name, isNumber, nulls, least, most, bars, counts, isMore }) => ({
    name,
    rows,
    nulls,
    ...(isNumber && least <= most && { range: { least, most, bars } }),
    ...(!isNumber && {
      distinct: {
        count: counts.size,
        isMore,
        top: [...counts].sort(([, a], [, b]) => b - a).slice(0, 5),
      },
    }),
  }));
}

async function forEachRow(
  spool: ResultSpool,
  rows: number,
  take: (cells: readonly (string | null)[]) => void,
): Promise<void> {
  for (let start = 0; start < rows; start += BATCH_ROWS) {
    const batch: readonly (readonly (string | null)[])[] = JSON.parse(
      `[${(await spool.read(start, Math.min(start + BATCH_ROWS, rows))).join(",")}]`,
    );
    for (const cells of batch) take(cells);
    await yieldIfDue();
  }
}
