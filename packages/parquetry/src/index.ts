/** `parquetry`: everything a program needs, from one import. It only re-exports. */
export { isStorageError, Partition, partition, type Row, Storage, StorageError } from "@parquetry/core";
export { openQuery, type QueryDatabase } from "@parquetry/query";
export { getStorage, openBackend, openStorage } from "@parquetry/storage";
