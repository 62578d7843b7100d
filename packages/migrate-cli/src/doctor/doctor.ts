import { isStorageError, type StorageBackend } from "@parquetry/core/backend";
import {
  checkArgument,
  checkBackend,
  checkOptions,
  invalid,
  isOfKind,
  type OptionKinds,
} from "@parquetry/core/unstable";
import type { Check } from "./check.ts";
import { checkAccess } from "./check-access.ts";
import { checkFiles, checkLeftovers } from "./check-files.ts";
import { type CheckNamesOptions, checkNames } from "./check-names.ts";
import { checkUploads } from "./check-uploads.ts";

/** One store that {@link doctor} checks. */
export interface DoctorSubject {
  /** Its name in the checks: `data root`, `bucket`. */
  readonly name: string;
  /** Opens it; throws if its configuration is wrong. */
  open(): Promise<StorageBackend>;
  /** Whether files are migrated from it: their names and data files are checked, and it need not be writable. Default false. */
  readonly isSource?: boolean | undefined;
}

/** Options of {@link doctor}. */
export interface DoctorOptions extends CheckNamesOptions {
  /** Called after each check. */
  readonly onCheck?: ((check: Check) => void) | undefined;
}

/** The kinds of a {@link DoctorSubject}. */
export const SUBJECT_OPTIONS: OptionKinds<DoctorSubject> = {
  name: "string",
  open: "function",
  isSource: "boolean",
};

/** The kinds of {@link DoctorOptions}. */
export const DOCTOR_OPTIONS: OptionKinds<DoctorOptions> = {
  signal: "signal",
  onProgress: "function",
  onCheck: "function",
};

/**
 * Checks the configuration of each store, the access to it, and the names and data files in it. A failed check does not end the run; checks
 * that depend on it are skipped.
 *
 * @throws StorageError `invalid_argument` for invalid subjects or options.
 * @example
 * ```ts
 * const checks = await doctor([{ name: "bucket", open: () => openBackend("r2://my-bucket") }]);
 * const healthy = checks.every(({ status }) => status !== "fail");
 * ```
 */
export async function doctor(
  subjects: readonly DoctorSubject[],
  options: DoctorOptions = {},
): Promise<readonly Check[]> {
  checkSubjects(subjects);
  checkOptions(options, DOCTOR_OPTIONS, "doctor");
  const checks: Check[] = [];
  const add = (check: Check): void => {
    checks.push(check);
    options.onCheck?.(check);
  };
  for (const { name, open, isSource = false } of subjects) {
    let backend: StorageBackend;
    try {
      backend = await open();
      checkBackend(backend, `the result of open() of ${name}`, "doctor");
    } catch (error) {
      if (!isStorageError(error) || error.code === "aborted" || options.signal?.aborted === true) throw error;
      add({ name: `${name}: configuration`, status: "fail", detail: error.message });
      continue;
    }
    try {
      add({ name: `${name}: configuration`, status: "ok", detail: `${backend.name} at ${backend.url()}` });
      const access = await checkAccess(backend, name, { ...options, isOnlyRead: isSource });
      for (const check of access) add(check);
      if (access.every(({ status }) => status === "ok")) {
        for (const check of await checkUploads(backend, name, options)) add(check);
      }
      const listed = access.some(({ name: check, status }) => check === `${name}: list` && status === "ok");
      if (isSource && listed) {
        for (const check of await checkNames(backend, options)) add(check);
        for (const check of await checkFiles(backend, options)) add(check);
      }
      if (listed) for (const check of await checkLeftovers(backend, name, options)) add(check);
    } finally {
      await backend.close();
    }
  }
  return checks;
}

/** Checks the subjects, for callers without types. */
function checkSubjects(subjects: readonly DoctorSubject[]): void {
  const example = '[{ name: "bucket", open: () => openBackend("r2://my-bucket") }]';
  if (!isOfKind("array", subjects)) throw invalid("doctor", `subjects must be an array, such as ${example}`);
  for (const subject of subjects) {
    checkArgument(subject, "object", "subject", "doctor");
    checkOptions(subject, SUBJECT_OPTIONS, "doctor");
    if (subject.name === undefined || subject.open === undefined)
      throw invalid(
        "doctor",
        `a subject must have a name, and open, a function that opens a backend: ${example}`,
      );
  }
}
