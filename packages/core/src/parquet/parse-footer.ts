import { type FileMetaData, parquetMetadata, type SchemaElement } from "hyparquet";
import { Buffer } from "#platform";
import { THRIFT, ThriftReader } from "./guard/thrift-reader.ts";

const BYTE_ORDER_MARK = Buffer.from("\uFEFF");
/** The size of what ends a Parquet file, in bytes: the length of its footer, and the magic. */
export const TRAILER_BYTES = 8;

/**
 * Parses a footer.
 *
 * hyparquet drops a byte order mark at the start of a name, so names are then read again. Types that only the newer logical
 * types describe get their older names, too, so that everything else needs to know only one of them.
 *
 * @param footer the footer with its trailer.
 * @throws Error where the footer cannot be read.
 */
export function parseFooter(footer: Uint8Array): FileMetaData {
  const thrift = footer.subarray(0, -TRAILER_BYTES);
  new ThriftReader(thrift, 0).struct(() => false);
  const metadata = parquetMetadata(footer, { geoparquet: false });
  if (Buffer.from(thrift.buffer, thrift.byteOffset, thrift.byteLength).includes(BYTE_ORDER_MARK))
    restoreNames(metadata, readNames(thrift));
  return { ...metadata, schema: metadata.schema.map(withConvertedType) };
}

const CONVERTED: Readonly<Record<string, SchemaElement["converted_type"]>> = {
  STRING: "UTF8",
  ENUM: "ENUM",
  JSON: "JSON",
  BSON: "BSON",
  DATE: "DATE",
  DECIMAL: "DECIMAL",
  LIST: "LIST",
  MAP: "MAP",
};

function withConvertedType(element: SchemaElement): SchemaElement {
  const { logical_type, converted_type } = element;
  if (logical_type?.type === "DECIMAL") {
    const { precision, scale } = logical_type;
    return { ...element, converted_type: "DECIMAL", precision, scale };
  }
  // An old name for a map (parquet-format, LogicalTypes.md, "Backward-compatibility rules").
  if (converted_type === "MAP_KEY_VALUE" && element.num_children === 1)
    return { ...element, converted_type: "MAP" };
  if (converted_type !== undefined || logical_type === undefined) return element;
  const converted = CONVERTED[logical_type.type];
  return converted === undefined ? element : { ...element, converted_type: converted };
}

interface Names {
  schema: string[];
  /** By row group and column chunk. */
  paths: string[][][];
}

function restoreNames({ schema, row_groups }: FileMetaData, names: Names): void {
  for (const [i, element] of schema.entries()) element.name = names.schema[i] ?? element.name;
  for (const [g, { columns }] of row_groups.entries()) {
    for (const [c, { meta_data }] of columns.entries()) {
      const path = names.paths[g]?.[c];
      if (meta_data !== undefined && path !== undefined) meta_data.path_in_schema = path;
    }
  }
}

/** Reads the names in FileMetaData (parquet.thrift). */
function readNames(thrift: Uint8Array): Names {
  const names: Names = { schema: [], paths: [] };
  const reader = new ThriftReader(thrift, 0);
  reader.struct((id, type) => {
    if (type !== THRIFT.LIST) return false;
    if (id === 2) names.schema = readList(reader, () => readField(reader, 4, () => reader.text()) ?? "");
    else if (id === 4) {
      names.paths = readList(
        reader,
        () =>
          readField(reader, 1, () =>
            readList(
              reader,
              () =>
                readField(reader, 3, () =>
                  readField(reader, 3, () => readList(reader, () => reader.text())),
                ) ?? [],
            ),
          ) ?? [],
      );
    } else return false;
    return true;
  });
  return names;
}

function readList<T>(reader: ThriftReader, read: () => T): T[] {
  return Array.from({ length: reader.listHeader().size }, read);
}

/** Reads one field of a struct, and skips the others. */
function readField<T>(reader: ThriftReader, wanted: number, read: () => T): T | undefined {
  let found: T | undefined;
  reader.struct((id) => {
    if (id !== wanted) return false;
    found = read();
    return true;
  });
  return found;
}
