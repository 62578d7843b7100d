import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Row } from "@parquetry/core";

const run = promisify(execFile);

/** The Python of the tests: `PARQUETRY_PYTHON`, else `python3`. */
const PYTHON: string = process.env["PARQUETRY_PYTHON"] ?? "python3";

/**
 * Tells whether Python has the modules of an engine, and Spark a Java. Prints what is missing.
 *
 * @throws Error if something is missing and `PARQUETRY_REQUIRE_ENGINES=1`.
 */
export async function hasEngine(modules: readonly string[]): Promise<boolean> {
  try {
    await run(PYTHON, ["-c", `import ${modules.join(", ")}`]);
    if (modules.includes("pyspark")) await run("java", ["-version"]);
    return true;
  } catch (error) {
    const reason = `no ${modules.join(", ")} in ${PYTHON} (set PARQUETRY_PYTHON), or no Java: ${String(error)}`;
    if (process.env["PARQUETRY_REQUIRE_ENGINES"] === "1") throw new Error(reason, { cause: error });
    console.warn(`SKIPPED: ${reason}`);
    return false;
  }
}

/** An engine's result for a folder. */
export interface Answer {
  /** The columns with the engine's names of their types. */
  readonly types: Readonly<Record<string, string>>;
  readonly rows: readonly Row[];
  /** The error, if it cannot read the folder. */
  readonly error?: string;
}

/** Reads folders with the default call of an engine, each in turn in one process. */
export async function readWith(engine: string, folders: readonly string[]): Promise<readonly Answer[]> {
  const program = join(import.meta.dirname, "read.py");
  const { stdout } = await run(PYTHON, [program, engine, ...folders], {
    // Spark takes the time zone of the session from the system's.
    env: { ...process.env, TZ: "UTC", PYTHONIOENCODING: "utf-8" },
    maxBuffer: 2 ** 26,
  });
  const marker = "ANSWER ";
  const lines = stdout.split("\n").filter((line) => line.startsWith(marker));
  return lines.map((line): Answer => JSON.parse(line.slice(marker.length)));
}

/** Returns a value in the form that `read.py` prints. */
export function plain(value: unknown): unknown {
  if (value === null || value === undefined || typeof value === "string" || typeof value === "boolean")
    return value ?? null;
  if (typeof value === "number") return Number.isNaN(value) ? "NaN" : String(value);
  if (typeof value === "bigint") return String(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
}
