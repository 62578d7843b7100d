import { createHash, randomUUID } from "node:crypto";
import { createMemoryBackend, type Key, StorageError } from "@parquetry/core";
import {
  abilitiesOf,
  bodyCheck,
  collectBytes,
  type HashedWrites,
  type ReplayableBody,
  type ResumableUploads,
  type StorageBackend,
  throwIfAborted,
  type UnfinishedUpload,
  type UploadState,
  withAbilities,
} from "@parquetry/core/backend";
import { isWithin } from "@parquetry/core/unstable";

const PART_BYTES = 64 * 1024;
const MAX_FILE_BYTES = 256 * 1024;
const MAX_OUTSTANDING_BYTES = 1024 * 1024;

/** A memory backend with all abilities: what wrappers pass on is tested over it. */
export function ableBackend(): StorageBackend {
  const memory = createMemoryBackend();
  const backend: StorageBackend = {
    ...memory,
    capabilities: { ...memory.capabilities, partSizeBytes: PART_BYTES },
    url: (key = "") => `memory://bucket/${key}`,
  };
  let outstanding = 0;
  const waiting: (() => void)[] = [];
  return withAbilities(backend, {
    renames: abilitiesOf(memory).renames,
    hashedReads: {
      maxFileBytes: MAX_FILE_BYTES,
      maxOutstandingBytes: MAX_OUTSTANDING_BYTES,
      prepare() {},
      mayKeepHash: async () => true,
      async read(key, version, { range, signal } = {}) {
        throwIfAborted(signal, "get", key, "memory");
        const { start, end } = range ?? { start: 0, end: version.sizeBytes };
        const sizeBytes = end - start;
        if (sizeBytes > MAX_FILE_BYTES || sizeBytes < 0 || end > version.sizeBytes) return undefined;
        while (outstanding + sizeBytes > MAX_OUTSTANDING_BYTES)
          await new Promise<void>((resolve) => waiting.push(resolve));
        outstanding += sizeBytes;
        const release = (): void => {
          outstanding -= sizeBytes;
          for (const resume of waiting.splice(0)) resume();
        };
        const bytes = await memory
          .get(key, { ifMatch: version.etag })
          .then(async ({ body }) => (await body.bytes()).slice(start, end))
          .catch(() => undefined);
        if (bytes === undefined) {
          release();
          return undefined;
        }
        return { bytes, md5: createHash("md5").update(bytes).digest("hex"), release };
      },
    },
    hashedWrites: memoryHashedWrites(memory),
    resumableUploads: memoryUploads(memory),
    directAccess: {
      async access(options) {
        throwIfAborted(options?.signal, "access", "", "memory");
        const credentials = { accessKeyId: "id", secretAccessKey: "secret" };
        return { bucket: "bucket", prefix: "", region: "here", isPathStyle: true, credentials };
      },
    },
    // Memory has no network.
    limitedTransfers: { limit: () => () => {} },
  });
}

function memoryHashedWrites(memory: StorageBackend): HashedWrites {
  const read = async (body: ReplayableBody, partSizeBytes: number): Promise<[Uint8Array, string[]]> => {
    const parts: Uint8Array[] = [];
    for (let start = 0; start === 0 || start < body.sizeBytes; start += partSizeBytes) {
      const end = Math.min(start + partSizeBytes, body.sizeBytes);
      parts.push(end === start ? new Uint8Array() : await collectBytes(body.open({ start, end })));
    }
    return [Buffer.concat(parts), parts.map((part) => createHash("md5").update(part).digest("hex"))];
  };
  return {
    rangeBytes: PART_BYTES,
    async put(key, body, { partSizeBytes, check, ...options }) {
      throwIfAborted(options.signal, "put", key, "memory");
      const [bytes, md5s] = await read(body, partSizeBytes);
      if (bytes.byteLength !== body.sizeBytes)
        throw new StorageError({
          code: "corrupt",
          op: "put",
          path: key,
          backend: "memory",
          message: `put ${key}: the body has another size.`,
        });
      check(md5s);
      return memory.put(key, bytes, options);
    },
  };
}

function memoryUploads(memory: StorageBackend): ResumableUploads {
  const uploads = new Map<string, UnfinishedUpload>();
  return {
    async upload(key, body, options) {
      throwIfAborted(options.signal, "put", key, "memory");
      const { resume } = options;
      if (resume !== undefined && (resume.key !== key || resume.sizeBytes !== body.sizeBytes))
        throw new StorageError({
          code: "invalid_argument",
          op: "put",
          path: key,
          backend: "memory",
          message: `put ${key}: the state belongs to another body.`,
        });
      let state = resume;
      if (state === undefined || !uploads.has(state.uploadId)) {
        state = {
          key,
          uploadId: randomUUID(),
          writeId: randomUUID(),
          sizeBytes: body.sizeBytes,
          partSizeBytes: PART_BYTES,
          parts: [],
        };
        uploads.set(state.uploadId, { key, uploadId: state.uploadId, startedAt: new Date() });
        await options.onState(state);
      }
      const result = await sendParts(memory, key, body, state, options);
      uploads.delete(state.uploadId);
      return result;
    },
    async *list(prefix = "", options) {
      throwIfAborted(options?.signal, "list", prefix, "memory");
      for (const upload of uploads.values()) if (isWithin(prefix, upload.key)) yield upload;
    },
    async abort({ key, uploadId }, options) {
      throwIfAborted(options?.signal, "abort", key, "memory");
      uploads.delete(uploadId);
    },
  };
}

async function sendParts(
  memory: StorageBackend,
  key: Key,
  body: Parameters<ResumableUploads["upload"]>[1],
  begun: UploadState,
  options: Parameters<ResumableUploads["upload"]>[2],
): ReturnType<ResumableUploads["upload"]> {
  const { signal, onState, ifMatch, ifNoneMatch } = options;
  const check = bodyCheck("memory", key, options);
  const chunks: Uint8Array[] = [];
  let state = begun;
  for (let start = 0, number = 1; start === 0 || start < body.sizeBytes; start += PART_BYTES, number++) {
    throwIfAborted(signal, "put", key, "memory");
    const end = Math.min(start + PART_BYTES, body.sizeBytes);
    const part = await options.readPart?.({ start, end });
    const bytes = new Uint8Array(part?.bytes ?? (await collectBytes(body.open({ start, end }))));
    part?.release();
    check.update(bytes);
    chunks.push(bytes);
    const md5 = createHash("md5").update(bytes).digest("hex");
    if (state.parts.some((part) => part.number === number && part.md5 === md5)) continue;
    const others = state.parts.filter((part) => part.number !== number);
    const parts = [...others, { number, etag: md5, md5 }].sort((a, b) => a.number - b.number);
    state = { ...state, parts };
    await onState(state);
  }
  check.finish();
  return memory.put(key, Buffer.concat(chunks), { signal, ifMatch, ifNoneMatch });
}
