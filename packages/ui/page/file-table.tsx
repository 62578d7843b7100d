import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { FileList } from "../src/answers.ts";
import { ask, query } from "./api.ts";
import { bytesText, timeText } from "./format.ts";
import { RowGroups } from "./row-groups.tsx";
import { attempt } from "./state.ts";
import { Table } from "./table.tsx";

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
    <Table heads={["file", "bytes", "written", <td key="more" />]}>
      {list.value.files.map((file) => (
        <FileRows key={file.key} file={file} name={file.key.slice(folder.length + 1)} />
      ))}
      {list.value.more && (
        <tr>
          <td colSpan={4}>… more files</td>
        </tr>
      )}
    </Table>
  );
}

function FileRows({
  file,
  name,
}: {
  readonly file: FileList["files"][number];
  readonly name: string;
}): JSX.Element {
  const isOpen = useSignal(false);
  return (
    <>
      <tr>
        <td class="path">{name}</td>
        <td class="number">{bytesText(file.sizeBytes)}</td>
        <td>{timeText(file.lastModified)}</td>
        <td>
          {name.endsWith(".parquet") && (
            <button
              type="button"
              aria-expanded={isOpen.value}
              aria-label={`Row groups of ${name}`}
              onClick={() => {
                isOpen.value = !isOpen.value;
              }}
            >
              Row groups
            </button>
          )}
        </td>
      </tr>
      {isOpen.value && (
        <tr>
          <td colSpan={4}>
            <RowGroups name={file.key} />
          </td>
        </tr>
      )}
    </>
  );
}
