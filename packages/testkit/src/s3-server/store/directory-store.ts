import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { KeyIndex } from "./key-index.ts";
import { encodeObjectFooter, readObjectFooter } from "./object-file.ts";
import type {
  BucketRecord,
  ObjectRecord,
  ObjectStore,
  OpenObject,
  StagedBytes,
  StageWriter,
} from "./object-store.ts";
import { FileSource, StagedFile, StagedFileWriter } from "./staged-file.ts";

interface DirectoryBucket {
  readonly record: BucketRecord;
  readonly path: string;
  readonly objects: KeyIndex<ObjectRecord>;
  /** Existing sub-directories. */
  readonly folders: Set<string>;
}

const BUCKET_FILE = "bucket.json";

/**
 * Stores buckets and objects in a directory. Each object is one file, named by the SHA-256 of its key, so that every key is a
 * valid file name on every file system. Records are also kept in memory, for listings. One rename commits an object. It
 * survives the end of the process, but is not synced, so possibly not a crash of the machine. Only one store at a time may use a
 * directory. Unfinished uploads do not survive a restart.
 *
 * Small I/O is synchronous on purpose: it makes check and commit one step.
 */
export class DirectoryStore implements ObjectStore {
  readonly #bucketsPath: string;
  readonly #stagingPath: string;
  readonly #buckets = new Map<string, DirectoryBucket>();
  #staged = 0;

  constructor(path: string) {
    this.#bucketsPath = join(path, "buckets");
    this.#stagingPath = join(path, "staging");
    rmSync(this.#stagingPath, { recursive: true, force: true });
    mkdirSync(this.#stagingPath, { recursive: true });
    mkdirSync(this.#bucketsPath, { recursive: true });
    for (const name of readdirSync(this.#bucketsPath)) this.#load(name);
  }

  buckets(): readonly BucketRecord[] {
    return Array.from(this.#buckets.values(), (bucket) => bucket.record);
  }

  bucket(name: string): BucketRecord | undefined {
    return this.#buckets.get(name)?.record;
  }

  createBucket(record: BucketRecord): void {
    const path = join(this.#bucketsPath, record.name);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, BUCKET_FILE), JSON.stringify(record));
    this.#buckets.set(record.name, { record, path, objects: new KeyIndex(), folders: new Set() });
  }

  deleteBucket(name: string): void {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) return;
    this.#buckets.delete(name);
    rmSync(join(bucket.path, BUCKET_FILE), { force: true });
    rmSync(bucket.path, { recursive: true, force: true });
  }

  find(bucket: string, key: string): ObjectRecord | undefined {
    return this.#buckets.get(bucket)?.objects.get(key);
  }

  open(bucket: string, key: string): OpenObject | undefined {
    const holder = this.#buckets.get(bucket);
    const record = holder?.objects.get(key);
    if (holder === undefined || record === undefined) return undefined;
    const { folder, file } = this.#place(holder, key);
    return { record, source: new FileSource(openSync(join(folder, file), "r"), record.size) };
  }

  *scan(bucket: string, isBefore: (key: string) => boolean): Generator<ObjectRecord> {
    yield* this.#buckets.get(bucket)?.objects.scan(isBefore) ?? [];
  }

  stage(): StageWriter {
    this.#staged += 1;
    return new StagedFileWriter(join(this.#stagingPath, String(this.#staged)));
  }

  commit(bucket: string, record: ObjectRecord, staged: StagedBytes): void {
    const holder = this.#buckets.get(bucket);
    if (holder === undefined || !(staged instanceof StagedFile)) {
      throw new Error("Staged bytes must be committed to a bucket of the store that staged them.");
    }
    const { folder, file } = this.#place(holder, record.key);
    if (!holder.folders.has(folder)) {
      mkdirSync(folder, { recursive: true });
      holder.folders.add(folder);
    }
    staged.seal(encodeObjectFooter(record));
    renameSync(staged.path, join(folder, file));
    holder.objects.set(record.key, record);
  }

  delete(bucket: string, key: string): boolean {
    const holder = this.#buckets.get(bucket);
    if (holder === undefined || !holder.objects.delete(key)) return false;
    const { folder, file } = this.#place(holder, key);
    rmSync(join(folder, file), { force: true });
    return true;
  }

  async close(): Promise<void> {
    rmSync(this.#stagingPath, { recursive: true, force: true });
    this.#buckets.clear();
  }

  #place(bucket: DirectoryBucket, key: string): { folder: string; file: string } {
    const name = createHash("sha256").update(key).digest("hex");
    return { folder: join(bucket.path, name.slice(0, 2)), file: name.slice(2) };
  }

  #load(name: string): void {
    const path = join(this.#bucketsPath, name);
    // A process that was killed while it created or deleted the bucket left a folder without this file.
    if (!existsSync(join(path, BUCKET_FILE))) return;
    // Only this class writes bucket files.
    const record = JSON.parse(readFileSync(join(path, BUCKET_FILE), "utf8")) as BucketRecord;
    const bucket: DirectoryBucket = { record, path, objects: new KeyIndex(), folders: new Set() };
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const folder = join(path, entry.name);
      bucket.folders.add(folder);
      for (const file of readdirSync(folder)) {
        const object = readObjectFooter(join(folder, file));
        if (object !== undefined) bucket.objects.set(object.key, object);
      }
    }
    this.#buckets.set(name, bucket);
  }
}
