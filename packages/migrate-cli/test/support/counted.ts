import type { StorageBackend } from "@parquetry/core";

/** Counts the requests that reach a store. */
export function counted(backend: StorageBackend): {
  readonly backend: StorageBackend;
  readonly calls: Record<string, number>;
} {
  const calls: Record<string, number> = {};
  const count = (name: string): void => {
    calls[name] = (calls[name] ?? 0) + 1;
  };
  return {
    calls,
    backend: {
      ...backend,
      head: (...args) => {
        count("head");
        return backend.head(...args);
      },
      get: (...args) => {
        count("get");
        return backend.get(...args);
      },
      put: (...args) => {
        count("put");
        return backend.put(...args);
      },
      delete: (...args) => {
        count("delete");
        return backend.delete(...args);
      },
      async *list(options) {
        for await (const page of backend.list(options)) {
          count("list");
          yield page;
        }
      },
    },
  };
}
