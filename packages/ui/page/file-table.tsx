import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { FileList } from "../src/answers.ts";
import { ask, query } from "./api.ts";
import { bytesText, timeText } from "./format.ts";
import { attempt } from "./state.ts";

/** The files of a folder. */
export function FileTable({ folder }: { readonly folder: string }): JSX.Element {
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
