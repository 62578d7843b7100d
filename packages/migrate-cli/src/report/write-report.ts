import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { StorageError } from "@parquetry/core/backend";
import { htmlReport, NAMES_SHOWN, type ShownList } from "./html-report.ts";
import type { ReportList, ReportModel } from "./report-model.ts";

/**
 * Writes a report into a folder, made where missing: one text file a list, `summary.json` and `report.html`. Files of an
 * earlier report in it are replaced.
 *
 * @throws StorageError `invalid_argument` where the folder cannot be written.
 */
export async function writeReport(folder: string, model: ReportModel): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    const shown: ShownList[] = [];
    for (const list of model.lists) {
      const names: string[] = [];
      await pipeline(Readable.from(lines(list, names)), createWriteStream(join(folder, list.file)));
      shown.push({ file: list.file, title: list.title, count: list.count, names });
    }
    await writeFile(join(folder, "summary.json"), `${JSON.stringify(model.summary, null, 2)}\n`);
    await writeFile(join(folder, "report.html"), htmlReport(model, shown));
  } catch (error) {
    throw new StorageError({
      code: "invalid_argument",
      op: "report",
      path: folder,
      message: `The report cannot be written to ${folder}: ${error instanceof Error ? error.message : String(error)}.`,
      cause: error,
    });
  }
}

async function* lines(list: ReportList, names: string[]): AsyncGenerator<string> {
  for await (const line of list.lines) {
    if (names.length < NAMES_SHOWN) names.push(line);
    // One name a line, even where a name holds a line break.
    yield `${line.replace(/[\r\n]/g, (char) => (char === "\n" ? "\\n" : "\\r"))}\n`;
  }
}
