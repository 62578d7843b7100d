import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createLocalBackend } from "../../packages/backend-local/dist/index.js";
import { createR2Backend, createS3Backend } from "../../packages/backend-s3/dist/index.js";
import { listObjects } from "../../packages/core/dist/backend.js";
import { createMemoryBackend, partition, Storage } from "../../packages/core/dist/index.js";
import { startS3Server } from "../../packages/testkit/dist/s3-server.js";

const { z } = createRequire(new URL("../../packages/core/package.json", import.meta.url))("zod");

export { z };

/** Everything that calls may use and must not damage: tables in memory, on disk and in a bucket. */
export class World {
  constructor(folder) {
    this.folder = folder;
    this.root = join(folder, "root");
    this.target = join(folder, "target");
    this.cache = join(folder, "cache");
    this.work = join(folder, "work");
  }

  async open() {
    this.server = await startS3Server({ buckets: ["bucket", "other"] });
    this.r2 = await startS3Server({ buckets: ["bucket"], profile: "r2" });
    // A Trino on which every query returns nothing.
    this.trinoServer = createServer((_, response) =>
      response.writeHead(200, { "content-type": "application/json" }).end('{"id":"q","columns":[]}'),
    );
    await new Promise((resolve) => this.trinoServer.listen(0, "127.0.0.1", resolve));
    this.trino = {
      url: `http://127.0.0.1:${this.trinoServer.address().port}`,
      catalog: "hive",
      schema: "lake",
    };
    await this.#fill(createR2Backend({ ...this.#addressOf(this.r2), bucket: "bucket" }));
    this.s3Options = {
      bucket: "bucket",
      endpoint: this.server.endpoint,
      credentials: this.server.credentials,
      forcePathStyle: true,
    };
    this.s3 = createS3Backend(this.s3Options);
    await this.#fill(this.s3);
    this.s3Before = await contentOf(this.s3);
    await this.rebuild();
  }

  async rebuild() {
    for (const folder of [this.root, this.target, this.cache, this.work]) {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
    }
    this.memory = createMemoryBackend();
    this.other = createMemoryBackend();
    this.local = await createLocalBackend({ root: this.root });
    for (const backend of [this.memory, this.local]) await this.#fill(backend);
    this.storage = new Storage(this.memory);
    this.before = await this.content();
    // The folder of before is gone.
    process.chdir(this.work);
  }

  #addressOf({ endpoint, credentials }) {
    return { endpoint, credentials };
  }

  async #fill(backend) {
    const storage = new Storage(backend);
    for (const year of [2024, 2025])
      await storage.write("raw/plays", [{ yards: year, team: "A" }], partition({ year }));
    await storage.writeCsv("raw/x.csv", [{ a: 1 }]);
    await storage.writeParquet("raw/x.parquet", [{ a: 1 }]);
  }

  /** All data, as text. The bucket is listed only, since its ETags are the hashes of its objects. */
  async content() {
    const files = readdirSync(this.root, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => `${path} ${readFileSync(path).toString("base64")}`);
    const other = await contentOf(this.other);
    return [...files, readdirSync(this.target).join(), other, await contentOf(this.memory)].join("\n");
  }

  /** True while no call has changed anything. */
  async isIntact({ bucket }) {
    if (bucket && (await contentOf(this.s3)) !== this.s3Before) return false;
    return (await this.content()) === this.before;
  }

  /** Takes the data as it is now for intact. */
  async accept({ bucket }) {
    if (bucket) this.s3Before = await contentOf(this.s3);
    this.before = await this.content();
  }

  async restore({ bucket }) {
    if (bucket) {
      for await (const { key } of listObjects(this.s3)) for await (const _ of this.s3.delete([key]));
      await this.#fill(this.s3);
      this.s3Before = await contentOf(this.s3);
    }
    await this.rebuild();
  }

  async close() {
    await this.s3.close();
    await this.server.close();
    await this.r2.close();
    this.trinoServer.closeAllConnections();
    this.trinoServer.close();
  }
}

async function contentOf(backend) {
  const lines = [];
  for await (const { key, etag, sizeBytes } of listObjects(backend))
    lines.push(`${key} ${etag} ${sizeBytes}`);
  return lines.join("\n");
}

/** Bytes as a backend returns them. */
export async function* chunks() {
  yield new Uint8Array([1, 2, 3]);
}
