import type { JSX } from "preact";
import type { RunFolder, RunParity, RunStatus } from "../src/run-status.ts";
import { ask } from "./api.ts";
import { Command } from "./command.tsx";
import { bytesText, counted, countText, durationText, timeText } from "./format.ts";
import { comparison, refresh, runs, view } from "./state.ts";
import { ScrollTable } from "./table.tsx";

/** How often the status is asked for, in milliseconds: while something runs, and otherwise. */
const [LIVE_MS, IDLE_MS] = [500, 3000];

/** Follows the migrations and verifications of this machine, as long as the page is open. */
export async function followRuns(): Promise<void> {
  let known: ReadonlySet<string> | undefined;
  for (;;) {
    // A server that does not answer is reported where it was asked for something.
    runs.value = await ask<readonly RunStatus[]>("/api/runs").catch(() => runs.value);
    const ended = runs.value.filter(({ state }) => state !== "running");
    if (known && ended.some((run) => isCompared(run) && !known?.has(run.id))) void refresh();
    known = new Set(ended.map(({ id }) => id));
    const isLive = runs.value.some(({ state }) => state === "running");
    await new Promise((resolve) => setTimeout(resolve, isLive ? LIVE_MS : IDLE_MS));
  }
}

/** Whether the two places of a run are those that are compared. */
const isCompared = ({ from, to }: RunStatus): boolean =>
  comparison.value?.from === from && comparison.value.to === to;

/** The migrations and verifications of this machine, newest first. */
export function RunsView(): JSX.Element {
  return (
    <>
      <h1>Migrations</h1>
      <p class="quiet">The runs of parquetry migrate and verify on this machine, newest first</p>
      {runs.value.length === 0 && <p>None so far.</p>}
      {runs.value.map((run) => (
        <Run key={run.id} run={run} />
      ))}
    </>
  );
}

const STATES: Readonly<Record<RunStatus["state"], string>> = {
  running: "running",
  done: "finished",
  failed: "failed",
  killed: "killed",
};

function Run({ run }: { readonly run: RunStatus }): JSX.Element {
  const { command, from, to, state, startedAt, updatedAt, outcome, problem } = run;
  const isRunning = state === "running";
  const isGood = isRunning || outcome?.exitCode === 0;
  return (
    <section class="run">
      <h2>
        {command} <span class="path">{from}</span> → <span class="path">{to}</span>{" "}
        <em class={isGood ? "state" : "state bad"}>{STATES[state]}</em>
      </h2>
      <p class="quiet">
        began {timeText(startedAt)}, {durationText(updatedAt - startedAt)}
      </p>
      {outcome !== undefined && <p class={isGood ? "" : "problem"}>{outcome.headline}</p>}
      {problem !== undefined && <p class="problem">{problem}</p>}
      {state === "killed" && (
        <p class="problem">
          The process has ended without a result.{" "}
          {command === "migrate" && "Every file that it copied is complete; the same command continues."}
        </p>
      )}
      {!isGood && (
        <p>
          <Command words={["parquetry", command, "--from", from, "--to", to]} />
        </p>
      )}
      <Progress run={run} />
      {run.failures.length > 0 && <Failures run={run} />}
      {outcome !== undefined && (
        <>
          <Parity folders={outcome.parity} />
          <p>
            By partition:{" "}
            {isCompared(run) ? (
              <button
                type="button"
                onClick={() => {
                  view.value = "places";
                }}
              >
                Show the map
              </button>
            ) : (
              <Command words={["parquetry", "ui", "--from", from, "--to", to]} />
            )}
          </p>
        </>
      )}
    </section>
  );
}

function Progress({ run }: { readonly run: RunStatus }): JSX.Element {
  const { command, state, phase, files, filesTotal, bytes, bytesTotal, filesPerSecond, bytesPerSecond } = run;
  const isRunning = state === "running";
  const { etaMs, retries, failed, folders } = run;
  const facts = [
    filesTotal === undefined
      ? `${counted(files, "file")} ${phase === "listing" ? "listed" : "read"}`
      : `${countText(files)} of ${counted(filesTotal, "file")}`,
    bytesTotal === undefined
      ? bytesText(bytes)
      : `${bytesText(bytes)} of ${bytesText(Math.max(bytes, bytesTotal))}`,
    ...(isRunning
      ? [`${countText(Math.round(filesPerSecond))} files/s`, `${bytesText(Math.round(bytesPerSecond))}/s`]
      : []),
    ...(isRunning && etaMs !== undefined ? [`about ${durationText(etaMs)} left`] : []),
    retries === 1 ? "1 retry" : `${countText(retries)} retries`,
    `${countText(failed)} failed`,
  ];
  return (
    <>
      <p class="facts">{facts.join(", ")}</p>
      {folders.some(({ filesTotal }) => isRunning || filesTotal !== undefined) && (
        <ScrollTable
          class="bars"
          heads={["folder", command === "migrate" ? "copied" : "compared", "files", "bytes", "failed"]}
        >
          {folders.map((folder) => (
            <FolderRow key={folder.folder} {...folder} />
          ))}
        </ScrollTable>
      )}
    </>
  );
}

function FolderRow({ folder, files, filesTotal, bytes, bytesTotal, failed }: RunFolder): JSX.Element {
  return (
    <tr>
      <th scope="row">{folder}</th>
      <td>
        {filesTotal === undefined ? (
          "–"
        ) : (
          <progress aria-label={`${folder}: files`} max={Math.max(1, filesTotal)} value={files} />
        )}
      </td>
      <td class="number">
        {countText(files)}
        {filesTotal !== undefined && ` of ${countText(filesTotal)}`}
      </td>
      <td class="number">
        {bytesText(bytes)}
        {bytesTotal !== undefined && ` of ${bytesText(bytesTotal)}`}
      </td>
      <td class={failed > 0 ? "number problem" : "number"}>{countText(failed)}</td>
    </tr>
  );
}

function Failures({ run: { failed, failures } }: { readonly run: RunStatus }): JSX.Element {
  return (
    <details open={failures.length <= 5}>
      <summary>{countText(failed)} failed</summary>
      <ul>
        {failures.map(({ key, message }) => (
          <li key={key}>
            <span class="path">{key}</span>: {message}
          </li>
        ))}
      </ul>
      {failed > failures.length && (
        <p class="quiet">These are the first {countText(failures.length)}. A report has all of them.</p>
      )}
    </details>
  );
}

const PARITY = ["source", "target", "missing", "extra", "differing", "unverifiable"] as const;

function Parity({ folders }: { readonly folders: readonly RunParity[] }): JSX.Element {
  return (
    <ScrollTable
      heads={[
        "folder",
        ...PARITY.map((name) => (
          <th key={name} scope="col" class="number">
            {name}
          </th>
        )),
      ]}
    >
      {folders.map((folder) => (
        <tr key={folder.folder}>
          <th scope="row">{folder.folder}</th>
          {PARITY.map((name) => {
            const isBad = folder[name] > 0 && name !== "source" && name !== "target" && name !== "extra";
            return (
              <td key={name} class={isBad ? "number problem" : "number"}>
                {countText(folder[name])}
              </td>
            );
          })}
        </tr>
      ))}
    </ScrollTable>
  );
}
