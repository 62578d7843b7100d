import { configuredCloud } from "@parquetry/storage/backend";
import type { Check, CheckStatus } from "../doctor/check.ts";
import { type DoctorSubject, doctor } from "../doctor/doctor.ts";
import { formatCounted, formatFiles } from "../terminal/format-amount.ts";
import type { TextStyle } from "../terminal/terminal.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT_INCOMPLETE, EXIT_OK, EXIT_USAGE } from "./exit-codes.ts";
import { missingLibrary } from "./find-duckdb.ts";
import { openSource, openTarget } from "./open-places.ts";
import type { PlaceFlags } from "./selection-flags.ts";

const MARKS: Readonly<Record<CheckStatus, readonly [string, TextStyle]>> = {
  ok: ["✓", "green"],
  warn: ["!", "yellow"],
  fail: ["✗", "red"],
  skip: ["-", "dim"],
};

/** `parquetry doctor`: checks both ends, then the names. Exit code 1 if a check fails, 2 if nothing in a store could be checked. */
export async function doctorCommand(context: CommandContext, flags: PlaceFlags): Promise<number> {
  const { terminal, interrupt, json, quiet } = context;
  const subjects: DoctorSubject[] = [
    {
      name: flags.from === undefined ? "data root" : "from",
      open: () => openSource(context, flags.from),
      isSource: true,
    },
  ];
  const cloud =
    flags.to !== undefined ||
    (await configuredCloud({ env: context.env, envPrefix: context.envPrefix })) !== undefined;
  if (cloud)
    subjects.push({
      name: flags.to === undefined ? "cloud" : "to",
      open: () => openTarget(context, flags.to),
    });
  const show = (check: Check): void => {
    context.emit("check", { ...check });
    terminal.status("");
    if (json || (quiet && check.status !== "fail")) return;
    const [mark, style] = MARKS[check.status];
    terminal.printText(
      `${terminal.style(style, mark)} ${terminal.style("bold", check.name)}: ${check.detail}`,
    );
    if (check.remedy !== undefined) terminal.printText(`  ${check.remedy}`);
  };
  const ofStores = await doctor(subjects, {
    signal: interrupt.abort,
    onCheck: show,
    onProgress: (objects) => terminal.status(quiet ? "" : `looking at names: ${formatFiles(objects)}`),
  });
  terminal.status("");
  const ofDuckDb = checkDuckDb();
  for (const check of ofDuckDb) show(check);
  const checks = [...ofStores, ...ofDuckDb];
  if (!cloud)
    context.note(
      "No cloud backend is configured, so none was checked. Give one by\n--to r2://bucket or --to s3://bucket.",
    );
  const count = (status: CheckStatus): number => checks.filter((check) => check.status === status).length;
  const isClosed = ({ name }: DoctorSubject): boolean =>
    !checks.some(
      (check) =>
        check.name.startsWith(`${name}: `) &&
        check.name !== `${name}: configuration` &&
        (check.status === "ok" || check.status === "warn"),
    );
  const exitCode = count("fail") === 0 ? EXIT_OK : subjects.some(isClosed) ? EXIT_USAGE : EXIT_INCOMPLETE;
  context.emit("summary", {
    exitCode,
    ok: count("ok"),
    warn: count("warn"),
    fail: count("fail"),
    skip: count("skip"),
  });
  if (!json && !quiet) {
    terminal.print();
    terminal.print(
      exitCode === EXIT_OK
        ? `All checks passed${count("warn") > 0 ? `, ${formatCounted(count("warn"), "warning")}` : ""}.`
        : `${count("fail")} of ${checks.length} checks failed.`,
    );
  }
  return exitCode;
}

/** DuckDB is optional, but one without its native library is a broken installation. */
function checkDuckDb(): Check[] {
  const missing = missingLibrary();
  if (missing === undefined) return [];
  return [
    {
      name: "sql: DuckDB",
      status: "warn",
      detail: `its native library for ${process.platform} ${process.arch} is not installed, so SQL does not run: ${missing} is missing`,
      remedy:
        "It is an optional dependency. Run npm install --include=optional; if it is still missing, delete node_modules and package-lock.json first.",
    },
  ];
}
