/**
 * The name of the i-th partition key inside the engine. The real name may be anything: a column of the files, two keys
 * that differ only in case, a text that DuckDB would not decode. Views give it back.
 */
export function hiveColumn(index: number): string {
  return `parquetry_key_${index}`;
}
