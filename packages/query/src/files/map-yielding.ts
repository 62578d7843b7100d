import { forEachYielding } from "@parquetry/core/unstable";

/** `items.map(convert)` for lists that may be long: other work runs in between. */
export async function mapYielding<T, R>(items: readonly T[], convert: (item: T) => R): Promise<R[]> {
  const converted: R[] = [];
  await forEachYielding(items, (item) => void converted.push(convert(item)));
  return converted;
}
