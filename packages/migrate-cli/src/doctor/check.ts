/** The result of a check; `skip` if it could not run because another one failed. */
export type CheckStatus = "ok" | "warn" | "fail" | "skip";

/** One check of `doctor`. */
export interface Check {
  /** The name of the check. */
  readonly name: string;
  /** Its result. */
  readonly status: CheckStatus;
  /** The finding. Contains no secret. */
  readonly detail: string;
  /** How to fix it, if something is wrong. */
  readonly remedy?: string | undefined;
}
