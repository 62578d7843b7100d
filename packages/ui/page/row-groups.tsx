import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { FileDescription } from "../src/answers.ts";
import { ask, query } from "./api.ts";
import { bytesText, counted, countText } from "./format.ts";
import { ScrollTable } from "./table.tsx";

const CHUNK_HEADS = [
  ...["column", "bytes", "unpacked", "values", "NULL"],
  ...["least", "greatest", "codec", "encodings"],
];

/** The row groups and column chunks of a Parquet file, by its footer. */
export function RowGroups({ name }: { readonly name: string }): JSX.Element {
  const found = useSignal<FileDescription | undefined>(undefined);
  const problem = useSignal("");
  useEffect(() => {
    ask<FileDescription>(query("/api/file", { key: name })).then(
      (file) => {
        found.value = file;
      },
      (error: Error) => {
        problem.value = error.message;
      },
    );
  }, [name]);
  const file = found.value;
  if (problem.value !== "") return <p class="problem">{problem.value}</p>;
  if (file === undefined) return <p class="quiet">Reading the footer…</p>;
  return (
    <>
      <p class="quiet">
        {counted(file.rows, "row")} in {counted(file.rowGroups.length + file.moreRowGroups, "row group")}
        {file.createdBy !== undefined && `, written by ${file.createdBy}`}
      </p>
      {file.rowGroups.map((group, i) => (
        <details key={i} open={i === 0}>
          <summary>
            row group {i + 1}: {counted(group.rows, "row")},{" "}
            {bytesText(group.chunks.reduce((sum, { compressedBytes }) => sum + compressedBytes, 0))}
          </summary>
          <ScrollTable heads={CHUNK_HEADS}>
            {group.chunks.map((chunk) => (
              <tr key={chunk.column}>
                <td>{chunk.column}</td>
                <td class="number">{bytesText(chunk.compressedBytes)}</td>
                <td class="number">{bytesText(chunk.uncompressedBytes)}</td>
                <td class="number">{countText(chunk.values)}</td>
                <td class="number">{chunk.nulls === undefined ? "–" : countText(chunk.nulls)}</td>
                <td>{chunk.min ?? "–"}</td>
                <td>{chunk.max ?? "–"}</td>
                <td>{chunk.codec}</td>
                <td>{chunk.encodings.join(", ")}</td>
              </tr>
            ))}
          </ScrollTable>
        </details>
      ))}
      {file.moreRowGroups > 0 && <p>… {counted(file.moreRowGroups, "more row group")}</p>}
    </>
  );
}
