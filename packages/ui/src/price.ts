/** The requests that a query would make to a store. */
export interface QueryRequests {
  /** List requests. */
  readonly lists: number;
  /** Requests for files that are not cached: one for each, more for a large file of which parts are read. */
  readonly reads: number;
  /** The size of these files in bytes. Only the needed parts of a large file are downloaded. */
  readonly bytes: number;
}

/** The price of requests at a store. */
export interface RequestPrice {
  readonly usd: number;
  /** The provider, and the month of its prices. */
  readonly provider: string;
  readonly pricesOf: string;
}
