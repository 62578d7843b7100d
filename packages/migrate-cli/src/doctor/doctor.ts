import {
  checkBackend,
  checkOptions,
  invalid,
  isStorageError,
  type OptionKinds,
  type StorageBackend,
} from "@parquetry/core/backend";
import type { Check } from "./check.ts";
import { checkAccess } from "./check-access.ts";
import { type CheckNamesOptions, checkNames } from "./check-names.ts";
import { checkUploads } from "./check-uploads.ts";

/** One store that {@link doctor} looks at. */
export interface DoctorSubject {
  /** What to call it: `data root`, `bucket`. */
  readonly name: string;
  /** Opens it; throws what is wrong with its configuration. */
  open(): Promise<StorageBackend>;
  /** Whether it is where files come from: its names are looked through, and nothing has to be writable. Default false. */
  readonly isSource?: boolean | undefined;
}

/** Options of {@link doctor}. */
export interface DoctorOptions extends CheckNamesOptions {
  /** Told of each check as it is made. */
  readonly onCheck?: ((check: Check) => void) | undefined;
}

const SUBJECT: OptionKinds<DoctorSubject> = { name: "string", open: "function", isSource: "boolean" };

const DOCTOR_OPTIONS: OptionKinds<DoctorOptions> = {
  signal: "signal",
  onProgress: "function",
  onCheck: "function",
};

/**
 * Checks each store from the outside in: configuration, access, names. A failed check does not end it; what depends on it
 * is skipped.
 *
 * @throws StorageError `invalid_argument` for what is no list of subjects, and for a bad option.
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
      checkBackend(backend, `what open() of ${name} gave`, "doctor");
    } catch (error) {
      if (!isStorageError(error) || error.code === "aborted") throw error;
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
      if (isSource && listed) for (const check of await checkNames(backend, options)) add(check);
    } finally {
      await backend.close();
    }
  }
  return checks;
}

/** For callers without types. */
function checkSubjects(subjects: readonly DoctorSubject[]): void {
  const example = '[{ name: "bucket", open: () => openBackend("r2://my-bucket") }]';
  if (!Array.isArray(subjects)) throw invalid("doctor", `subjects is no list, expected such as ${example}`);
  for (const subject of subjects) {
    checkOptions(subject, SUBJECT, "doctor");
    if (subject.name === undefined || subject.open === undefined)
      throw invalid("doctor", `a subject has a name and open, a function that opens a backend: ${example}`);
  }
}
