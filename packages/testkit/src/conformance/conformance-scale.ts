/** How much the suite does. A published result means the defaults. */
export interface ConformanceScale {
  /** Objects in the long listing. Default 5,000. */
  readonly listedKeys: number;
  /** Writers that increment one counter concurrently. Default 8. */
  readonly writers: number;
  /** Increments of each writer. Default 50, so that the counter ends at 400. */
  readonly incrementsPerWriter: number;
}

/** The full suite. */
export const FULL_CONFORMANCE: ConformanceScale = { listedKeys: 5000, writers: 8, incrementsPerWriter: 50 };
