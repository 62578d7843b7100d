/** How a check came out: `skip` where it could not be made because another failed. */
export type CheckStatus = "ok" | "warn" | "fail" | "skip";

/** One thing that `doctor` looked at. */
export interface Check {
  /** What was looked at. */
  readonly name: string;
  /** How it came out. */
  readonly status: CheckStatus;
  /** What was found. Never a secret. */
  readonly detail: string;
  /** What to do about it, where something is wrong. */
  readonly remedy?: string | undefined;
}
