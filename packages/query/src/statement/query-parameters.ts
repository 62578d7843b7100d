/** The value of a parameter. */
export type QueryValue =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | readonly QueryValue[]
  | ReadonlyMap<QueryValue, QueryValue>
  | { readonly [field: string]: QueryValue };

/** Parameters by position (`?`, `$1`) or by name (`$year`). */
export type QueryParameters = readonly QueryValue[] | { readonly [name: string]: QueryValue };
