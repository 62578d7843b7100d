/** Sorts numbers as numbers and everything else as text; NULL is last. */
export function sortValues<Value extends string | null>(values: Iterable<Value>): Value[] {
  // Parsed once each: there may be a million.
  const parsed = Array.from(values, (value) => ({ value, number: value ? Number(value) : Number.NaN }));
  return parsed
    .sort((a, b) => {
      if (a.value === b.value) return 0;
      if (a.value === null) return 1;
      if (b.value === null) return -1;
      const distance = a.number - b.number;
      return distance || (a.value < b.value ? -1 : 1);
    })
    .map(({ value }) => value);
}
