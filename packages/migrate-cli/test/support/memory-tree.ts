import { createMemoryBackend, parseKey, type StorageBackend } from "@parquetry/core";
import { listObjects } from "@parquetry/core/backend";

/** A memory backend with these files. */
export async function memoryTree(files: Readonly<Record<string, string>> = {}): Promise<StorageBackend> {
  const backend = createMemoryBackend();
  await fill(backend, files);
  return backend;
}

/** Puts these files. */
export async function fill(backend: StorageBackend, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [key, text] of Object.entries(files)) await backend.put(parseKey(key), Buffer.from(text));
}

/** All files of a backend, by key. */
export async function contents(backend: StorageBackend): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const { key } of listObjects(backend)) {
    const { body } = await backend.get(key);
    files[key] = Buffer.from(await body.bytes()).toString();
  }
  return files;
}

/** The same store without any MD5, like a bucket that has only multipart objects. */
export function withoutMd5(backend: StorageBackend): StorageBackend {
  return {
    ...backend,
    async head(key, options) {
      const { md5: _, ...info } = await backend.head(key, options);
      return info;
    },
    async put(key, body, options) {
      const { md5: _, ...result } = await backend.put(key, body, options);
      return result;
    },
    async *list(options) {
      for await (const page of backend.list(options)) {
        yield { ...page, objects: page.objects.map(({ md5: _, ...info }) => info) };
      }
    },
  };
}

/** The same store as a directory: its listing proves nothing, and it may be read. */
export function asDisk(backend: StorageBackend): StorageBackend {
  const bare = withoutMd5(backend);
  return { ...bare, name: "local", capabilities: { ...backend.capabilities, listProves: "none" } };
}
