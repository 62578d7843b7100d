// A Cloudflare Worker with an R2 binding `DATA`. It answers /raw/plays?year=2024 with the rows of that partition as JSON.
import { createMemoryBackend, isStorageError, Storage } from "@parquetry/core";

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const entity = pathname.slice(1);
    const filters = Object.fromEntries(searchParams);
    // Only the objects of the partition are listed and read: its keys are its path.
    const folders = [entity, ...Object.entries(filters).map(([key, value]) => `${key}=${value}`)];
    const backend = createMemoryBackend();
    const { objects } = await env.DATA.list({ prefix: `${folders.join("/")}/` });
    for (const { key } of objects) {
      const object = await env.DATA.get(key);
      await backend.put(key, new Uint8Array(await object.arrayBuffer()));
    }
    try {
      return Response.json(await new Storage(backend).readIndex(entity, filters));
    } catch (error) {
      if (isStorageError(error, "not_found")) return new Response(error.message, { status: 404 });
      throw error;
    }
  },
};
