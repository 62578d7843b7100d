import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { DriftColumn, DriftReport } from "../src/answers.ts";
import { ask, query } from "./api.ts";
import { Command } from "./command.tsx";
import { counted, countText } from "./format.ts";
import { attempt, card, entity } from "./state.ts";
import { Table } from "./table.tsx";

/** The number of types with a separate colour; rarer ones share the last. */
const COLOURS = 6;

/** The columns whose types differ between partitions, as a matrix. */
export function DriftView(): JSX.Element {
  const found = useSignal<DriftReport | undefined>(undefined);
  const isBusy = useSignal(false);
  const check = (): Promise<void> =>
    attempt(async () => {
      isBusy.value = true;
      try {
        found.value = await ask(query("/api/drift", { name: entity.value }));
      } finally {
        isBusy.value = false;
      }
    });
  const isKnown = card.value?.rows !== undefined;
  useEffect(() => {
    if (isKnown) void check();
  }, [isKnown]);
  const report = found.value;
  return (
    <section>
      <h2>Drift</h2>
      {report === undefined ? (
        <p>
          <button type="button" disabled={isBusy.value} onClick={check}>
            Compare the schemas of all partitions
          </button>{" "}
          <span class="quiet">
            {isBusy.value
              ? "Reading every schema…"
              : "This reads the manifest of every partition, or the footers of its files."}
          </span>
        </p>
      ) : report.columns.length === 0 ? (
        <p>
          Every column has the same type in{" "}
          {report.unreadable.length > 0
            ? `the ${counted(report.partitions, "partition")} that can be read.`
            : report.partitions === 1
              ? "the only partition."
              : `all ${counted(report.partitions, "partition")}.`}
        </p>
      ) : (
        <>
          <p class="quiet">
            Each strip is the {counted(report.partitions, "partition")} in the order of their paths.
          </p>
          {report.columns.map((column) => (
            <Column key={column.column} {...column} />
          ))}
        </>
      )}
      {report?.unreadable.map((message) => (
        <p key={message} class="problem">
          {message}
        </p>
      ))}
    </section>
  );
}

const colourOf = (rank: number): string => `type-${Math.min(rank, COLOURS - 1)}`;

function Column({ column, types, parts, joined }: DriftColumn): JSX.Element {
  const isSettled = joined !== undefined;
  return (
    <section class="drift">
      <h3>{column}</h3>
      <svg
        viewBox={`0 0 ${parts.length} 1`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${column}: ${types.map(({ type, partitions }) => `${type} in ${partitions}`).join(", ")}`}
      >
        {runsOf(parts).map(({ rank, from, length }) => (
          <rect key={from} class={colourOf(rank)} x={from} y={0} width={length} height={1} />
        ))}
      </svg>
      <Table heads={["type", "partitions", "first seen", "last seen"]}>
        {types.map(({ type, partitions, first, last }, rank) => (
          <tr key={type}>
            <td>
              <span class={`swatch ${colourOf(rank)}`} aria-hidden="true" /> {type}
            </td>
            <td class="number">{countText(partitions)}</td>
            <td class="path">{first}</td>
            <td class="path">{last}</td>
          </tr>
        ))}
      </Table>
      {isSettled ? (
        <p class="quiet">
          SQL reads it as {joined}
          {types.some(({ type }) => type === "absent") && ", and as NULL where it is absent"}. Nothing has to
          be declared.
        </p>
      ) : (
        <p>
          No type holds all values, so a query of these partitions fails. Declare one, also for this page,
          which parquetry ui takes in the same way:{" "}
          <Command words={["parquetry", "query", "--column-type", `${entity.value}.${column}=VARCHAR`]} /> or,
          in code,{" "}
          <code>{`openQuery(storage, { columnTypes: { ${JSON.stringify(entity.value)}: { ${JSON.stringify(column)}: "VARCHAR" } } })`}</code>
        </p>
      )}
    </section>
  );
}

/** Neighbours of the same type, as one. */
function runsOf(parts: readonly number[]): readonly { rank: number; from: number; length: number }[] {
  const runs: { rank: number; from: number; length: number }[] = [];
  for (const [i, rank] of parts.entries()) {
    const last = runs.at(-1);
    if (last?.rank === rank) last.length++;
    else runs.push({ rank, from: i, length: 1 });
  }
  return runs;
}
