import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  abilitiesOf,
  type BackendAbilities,
  isStorageError,
  type ReplayableBody,
  type ResumableUploads,
  type StorageBackend,
  StorageError,
  type UploadState,
} from "@parquetry/core/backend";
import { mapConcurrent } from "@parquetry/core/unstable";
import type { ConformanceCase } from "./conformance-case.ts";
import { expectCode } from "./expect-code.ts";
import { getText, key, keysBelow, noise, putText } from "./sample.ts";

type Ability = keyof BackendAbilities;

/** A case about an ability, which the suite runs only where the backend has it. */
function abilityCase<A extends Ability>(
  needs: A,
  name: string,
  run: (ability: NonNullable<BackendAbilities[A]>, backend: StorageBackend) => Promise<void>,
): ConformanceCase {
  return {
    name,
    needs,
    async run(backend) {
      const ability = abilitiesOf(backend)[needs];
      assert.ok(ability !== undefined, `the backend has no ${needs}`);
      await run(ability, backend);
    },
  };
}

const md5 = (bytes: Uint8Array): string => createHash("md5").update(bytes).digest("hex");

/** The guarantees of hashed reads. */
export const HASHED_READ_CASES: readonly ConformanceCase[] = [
  abilityCase(
    "hashedReads",
    "reads a listed version whole and returns its MD5, up to maxFileBytes",
    async (reads, backend) => {
      reads.prepare();
      const sizes = [0, 1, 100_000, reads.maxFileBytes];
      for (const [i, size] of sizes.entries()) await backend.put(key(`h/${i}`), noise(size, i + 1));
      let answered = 0;
      for await (const page of backend.list({ prefix: key("h") })) {
        for (const info of page.objects) {
          const read = await reads.read(info.key, info);
          // A disk that is slow to answer may leave a read to `get`, not all of them.
          if (read === undefined) continue;
          answered++;
          const content = noise(info.sizeBytes, Number(info.key.slice(2)) + 1);
          assert.equal(Buffer.compare(read.bytes, content), 0, info.key);
          assert.equal(read.md5, md5(content));
          read.release();
        }
      }
      assert.ok(answered > 0, "every read was left to `get`");
    },
  ),
  abilityCase(
    "hashedReads",
    "reads a range of a large object and returns its MD5, and leaves a range above maxFileBytes, or beyond the end, to get",
    async (reads, backend) => {
      const { maxFileBytes } = reads;
      const content = noise(maxFileBytes + 1000, 3);
      const version = await backend.put(key("h/large"), content);
      const sizeBytes = content.byteLength;
      for (const [start, end] of [
        [0, maxFileBytes],
        [maxFileBytes, sizeBytes],
        [500, 500],
        [sizeBytes - 1, sizeBytes],
      ] as const) {
        const read = await reads.read(key("h/large"), version, { range: { start, end } });
        assert.ok(read !== undefined, `${start} to ${end} was left to get`);
        assert.equal(Buffer.compare(read.bytes, content.subarray(start, end)), 0, `${start} to ${end}`);
        assert.equal(read.md5, md5(content.subarray(start, end)));
        read.release();
      }
      for (const range of [
        { start: 0, end: maxFileBytes + 1 },
        { start: sizeBytes - 1, end: sizeBytes + 1 },
        { start: 7, end: 6 },
      ])
        assert.equal(await reads.read(key("h/large"), version, { range }), undefined);
      await backend.put(key("h/large"), noise(sizeBytes, 4));
      assert.equal(await reads.read(key("h/large"), version, { range: { start: 0, end: 9 } }), undefined);
    },
  ),
  abilityCase(
    "hashedReads",
    "returns undefined for another version, a missing object and one above maxFileBytes",
    async (reads, backend) => {
      const { sizeBytes, etag } = await backend.put(key("h/a"), noise(1000));
      await backend.put(key("h/a"), noise(1000, 2));
      assert.equal(await reads.read(key("h/a"), { sizeBytes, etag }), undefined);
      assert.equal(await reads.read(key("h/none"), { sizeBytes, etag }), undefined);
      const large = await backend.put(key("h/large"), noise(reads.maxFileBytes + 1));
      assert.equal(await reads.read(key("h/large"), large), undefined);
    },
  ),
  abilityCase(
    "hashedReads",
    "has at most maxOutstandingBytes out, and goes on when some are released",
    async (reads, backend) => {
      const size = reads.maxFileBytes;
      const fits = Math.floor(reads.maxOutstandingBytes / size);
      const version = await backend.put(key("h/a"), noise(size));
      let out = 0;
      const held: (() => void)[] = [];
      const all = Array.from({ length: fits + 3 }, async () => {
        const read = await reads.read(key("h/a"), version);
        if (read === undefined) return;
        out += size;
        assert.ok(out <= reads.maxOutstandingBytes, `${out} bytes are out`);
        held.push(() => {
          out -= size;
          read.release();
        });
      });
      const ended = Promise.all(all).then(() => true);
      let isOver = false;
      while (!isOver) {
        // Time in which a read that need not wait would come.
        for (let i = 0; i < 3; i++) await (await backend.get(key("h/a"))).body.bytes();
        for (const release of held.splice(0)) release();
        isOver = await Promise.race([ended, new Promise<false>((resolve) => setImmediate(resolve, false))]);
      }
      for (const release of held.splice(0)) release();
      assert.equal(out, 0);
    },
  ),
  abilityCase(
    "hashedReads",
    "rejects a hashed read with aborted when its signal has fired",
    async (reads, backend) => {
      const version = await backend.put(key("h/a"), noise(1000));
      await expectCode("aborted", () => reads.read(key("h/a"), version, { signal: AbortSignal.abort() }));
    },
  ),
];

function bodyOf(bytes: Uint8Array): ReplayableBody {
  return {
    sizeBytes: bytes.byteLength,
    async *open({ start, end = bytes.byteLength } = { start: 0 }) {
      yield bytes.subarray(start, end);
    },
  };
}

function failure(code: "corrupt" | "permission_denied", message: string): StorageError {
  return new StorageError({ code, op: "get", path: "w/source", message: `get w/source: ${message}.` });
}

/** A body that is shorter than announced, or longer. */
function bodyWithout(bytes: Uint8Array, missing: number): ReplayableBody {
  return {
    sizeBytes: bytes.byteLength + missing,
    async *open({ start, end = bytes.byteLength } = { start: 0 }) {
      const long = missing < 0 && end === bytes.byteLength + missing ? bytes.byteLength : end;
      for (let at = start; at < Math.min(long, bytes.byteLength); at += 30_000)
        yield bytes.subarray(at, Math.min(at + 30_000, long));
    },
  };
}

/** The guarantees of hashed writes. */
export const HASHED_WRITE_CASES: readonly ConformanceCase[] = [
  abilityCase(
    "hashedWrites",
    "stores a large body whole, and shows the MD5s of its parts in order",
    async (writes, backend) => {
      const large = noise(3 * 1024 * 1024 + 17, 5);
      for (const [bytes, partSizeBytes] of [
        [large, 1024 * 1024],
        [large, 1_000_003],
        [large, large.byteLength],
        [noise(5), 1024],
        [new Uint8Array(), 1024],
      ] as const) {
        const expected = Array.from(
          { length: Math.max(1, Math.ceil(bytes.byteLength / partSizeBytes)) },
          (_, i) => md5(bytes.subarray(i * partSizeBytes, (i + 1) * partSizeBytes)),
        );
        let shown: readonly string[] = [];
        const check = (md5s: readonly string[]): void => {
          shown = md5s;
        };
        const stored = await writes.put(key("w/a"), bodyOf(bytes), { partSizeBytes, check });
        assert.deepEqual(shown, expected);
        await expectContent(backend, "w/a", bytes);
        const { etag, sizeBytes } = await backend.head(key("w/a"));
        assert.deepEqual({ etag: stored?.etag, sizeBytes: stored?.sizeBytes }, { etag, sizeBytes });
        for await (const { error } of backend.delete([key("w/a")])) assert.equal(error, undefined);
      }
      assert.deepEqual(await keysBelow(backend), []);
    },
  ),
  abilityCase(
    "hashedWrites",
    "stores nothing if its check throws, if the body fails, or has other bytes than announced, and keeps the old object",
    async (writes, backend) => {
      await putText(backend, "w/a", "old");
      const bytes = noise(300_000);
      const put = (body: ReplayableBody, check = (): void => {}): Promise<unknown> =>
        writes.put(key("w/a"), body, { partSizeBytes: 100_000, check });
      const refusal = failure("corrupt", "the parts are not those of the source");
      await expectCode("corrupt", () =>
        put(bodyOf(bytes), () => {
          throw refusal;
        }),
      );
      await expectCode("corrupt", () => put(bodyWithout(bytes, 1)));
      await expectCode("corrupt", () => put(bodyWithout(bytes, -1)));
      const broken = failure("permission_denied", "access is denied");
      await expectCode("permission_denied", () =>
        put({
          sizeBytes: bytes.byteLength,
          async *open() {
            yield bytes.subarray(0, 10);
            throw broken;
          },
        }),
      );
      assert.equal(await getText(backend, "w/a"), "old");
      assert.deepEqual(await keysBelow(backend), ["w/a"]);
    },
  ),
  abilityCase(
    "hashedWrites",
    "obeys preconditions as put does, and rejects with aborted when its signal has fired",
    async (writes, backend) => {
      const etag = await putText(backend, "w/a", "old");
      const bytes = noise(1000);
      const put = (options: object): Promise<unknown> =>
        writes.put(key("w/a"), bodyOf(bytes), { partSizeBytes: 1000, check() {}, ...options });
      await expectCode("already_exists", () => put({ ifNoneMatch: "*" }));
      await expectCode("precondition_failed", () => put({ ifMatch: "another" }));
      await expectCode("aborted", () => put({ signal: AbortSignal.abort() }));
      assert.equal(await getText(backend, "w/a"), "old");
      await put({ ifMatch: etag });
      await expectContent(backend, "w/a", bytes);
    },
  ),
];

/** A body of three parts. */
function threeParts(backend: StorageBackend): Uint8Array {
  return noise(2 * backend.capabilities.partSizeBytes + 17, 9);
}

/** Begins an upload and breaks it off after its first part. */
async function breakOff(uploads: ResumableUploads, path: string, bytes: Uint8Array): Promise<UploadState> {
  const controller = new AbortController();
  let last: UploadState | undefined;
  await expectCode("aborted", () =>
    uploads.upload(key(path), bodyOf(bytes), {
      signal: controller.signal,
      onState(state) {
        last = state;
        if (state.parts.length > 0) controller.abort();
      },
    }),
  );
  assert.ok(last !== undefined && last.parts.length > 0, "a part had arrived");
  return last;
}

async function unfinished(uploads: ResumableUploads, prefix?: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const upload of uploads.list(prefix === undefined ? "" : key(prefix))) keys.push(upload.key);
  return keys.sort();
}

async function expectContent(backend: StorageBackend, path: string, expected: Uint8Array): Promise<void> {
  const { body } = await backend.get(key(path));
  assert.equal(md5(await body.bytes()), md5(expected), `${path} has other bytes`);
}

/** The guarantees of resumable uploads. */
export const UPLOAD_CASES: readonly ConformanceCase[] = [
  abilityCase(
    "resumableUploads",
    "uploads a body by parts, reports each part, and leaves no unfinished upload",
    async (uploads, backend) => {
      for (const bytes of [threeParts(backend), noise(5), new Uint8Array()]) {
        const states: UploadState[] = [];
        const stored = await uploads.upload(key("u/a"), bodyOf(bytes), {
          sha256: createHash("sha256").update(bytes).digest("hex"),
          onState: (state) => void states.push(state),
        });
        await expectContent(backend, "u/a", bytes);
        assert.equal(stored.sizeBytes, bytes.byteLength);
        assert.equal(stored.etag, (await backend.head(key("u/a"))).etag);
        assert.equal(states[0]?.parts.length, 0, "the first state is that of an empty upload");
        const { partSizeBytes = 1, parts = [] } = states.at(-1) ?? {};
        assert.equal(parts.length, Math.max(1, Math.ceil(bytes.byteLength / partSizeBytes)));
        assert.deepEqual(
          parts.map((part) => part.md5),
          parts.map((_, i) => md5(bytes.subarray(i * partSizeBytes, (i + 1) * partSizeBytes))),
        );
      }
      assert.deepEqual(await unfinished(uploads), []);
    },
  ),
  abilityCase(
    "resumableUploads",
    "resumes an upload that broke off, from plain data, without sending its parts again",
    async (uploads, backend) => {
      const bytes = threeParts(backend);
      const resume: UploadState = JSON.parse(JSON.stringify(await breakOff(uploads, "u/a", bytes)));
      assert.deepEqual(await keysBelow(backend), [], "half an upload is not an object");
      const sent: number[] = [];
      let known = resume.parts.length;
      await uploads.upload(key("u/a"), bodyOf(bytes), {
        resume,
        onState({ uploadId, parts }) {
          assert.equal(uploadId, resume.uploadId);
          sent.push(parts.length - known);
          known = parts.length;
        },
      });
      const total = Math.ceil(bytes.byteLength / resume.partSizeBytes);
      assert.deepEqual(sent, Array(total - resume.parts.length).fill(1));
      await expectContent(backend, "u/a", bytes);
      assert.deepEqual(await unfinished(uploads), []);
    },
  ),
  abilityCase(
    "resumableUploads",
    "sends the parts of a body that changed before it was resumed",
    async (uploads, backend) => {
      const bytes = threeParts(backend);
      const resume = await breakOff(uploads, "u/a", bytes);
      const changed = bytes.slice();
      changed[0] = (bytes[0] ?? 0) ^ 1;
      await uploads.upload(key("u/a"), bodyOf(changed), { resume, onState() {} });
      await expectContent(backend, "u/a", changed);
    },
  ),
  abilityCase(
    "resumableUploads",
    "takes parts with their MD5 from readPart, releases each once, and reads the others from the body",
    async (uploads, backend) => {
      const bytes = threeParts(backend);
      const opened: number[] = [];
      const { sizeBytes, open } = bodyOf(bytes);
      const body: ReplayableBody = {
        sizeBytes,
        open(range) {
          opened.push(range?.start ?? 0);
          return open(range);
        },
      };
      let taken = 0;
      let released = 0;
      let last: UploadState | undefined;
      await uploads.upload(key("u/a"), body, {
        async readPart({ start, end }) {
          if (start === 0) return undefined;
          taken++;
          // Memory that is used again, as that of a thread is.
          const part = bytes.slice(start, end);
          const release = (): void => {
            released++;
            part.fill(0);
          };
          return { bytes: part, md5: md5(part), release };
        },
        onState(state) {
          last = state;
        },
      });
      const parts = last?.parts ?? [];
      assert.deepEqual(opened, [0]);
      assert.equal(taken, parts.length - 1);
      assert.equal(released, taken);
      await expectContent(backend, "u/a", bytes);
    },
  ),
  abilityCase(
    "resumableUploads",
    "begins a new upload where the one to resume has been aborted",
    async (uploads, backend) => {
      const bytes = threeParts(backend);
      const resume = await breakOff(uploads, "u/a", bytes);
      await uploads.abort({ key: key("u/a"), uploadId: resume.uploadId });
      let last: UploadState | undefined;
      await uploads.upload(key("u/a"), bodyOf(bytes), {
        resume,
        onState(state) {
          last = state;
        },
      });
      assert.notEqual(last?.uploadId, resume.uploadId);
      await expectContent(backend, "u/a", bytes);
    },
  ),
  abilityCase(
    "resumableUploads",
    "rejects a state of another key or another size with invalid_argument",
    async (uploads, backend) => {
      const bytes = threeParts(backend);
      const resume = await breakOff(uploads, "u/a", bytes);
      const onState = (): void => {};
      await expectCode("invalid_argument", () =>
        uploads.upload(key("u/b"), bodyOf(bytes), { resume, onState }),
      );
      await expectCode("invalid_argument", () =>
        uploads.upload(key("u/a"), bodyOf(bytes.subarray(1)), { resume, onState }),
      );
      assert.deepEqual(await keysBelow(backend), []);
    },
  ),
  abilityCase(
    "resumableUploads",
    "obeys preconditions and announced hashes as put does, and keeps the old object",
    async (uploads, backend) => {
      await putText(backend, "u/a", "old");
      const bytes = noise(1000);
      const upload = (options: object): Promise<unknown> =>
        uploads.upload(key("u/a"), bodyOf(bytes), { ...options, onState() {} });
      await expectCode("already_exists", () => upload({ ifNoneMatch: "*" }));
      await expectCode("precondition_failed", () => upload({ ifMatch: "another" }));
      await expectCode("corrupt", () => upload({ sha256: "0".repeat(64) }));
      assert.equal(await getText(backend, "u/a"), "old");
      const { etag } = await backend.head(key("u/a"));
      await upload({ ifMatch: etag, md5: md5(bytes) });
      await expectContent(backend, "u/a", bytes);
    },
  ),
  abilityCase(
    "resumableUploads",
    "lists unfinished uploads by whole segments, and frees one that is aborted, also twice",
    async (uploads, backend) => {
      const bytes = threeParts(backend);
      await mapConcurrent(["w=1/a", "w=1/b", "w=10/a"], 3, (path) => breakOff(uploads, path, bytes));
      assert.deepEqual(await unfinished(uploads), ["w=1/a", "w=1/b", "w=10/a"]);
      assert.deepEqual(await unfinished(uploads, "w=1"), ["w=1/a", "w=1/b"]);
      for await (const upload of uploads.list(key("w=1"))) {
        assert.ok(Math.abs(upload.startedAt.getTime() - Date.now()) < 600_000, "startedAt is about now");
        await uploads.abort(upload);
        await uploads.abort(upload);
      }
      assert.deepEqual(await unfinished(uploads), ["w=10/a"]);
      for await (const upload of uploads.list()) await uploads.abort(upload);
      assert.deepEqual(await unfinished(uploads), []);
    },
  ),
  abilityCase(
    "resumableUploads",
    "rejects an upload, a list and an abort with aborted when their signal has fired",
    async (uploads, backend) => {
      const signal = AbortSignal.abort();
      const upload = { key: key("u/a"), uploadId: "none" };
      const onState = (): void => assert.fail("no upload may begin");
      await expectCode("aborted", () => uploads.upload(key("u/a"), bodyOf(noise(5)), { signal, onState }));
      await expectCode("aborted", async () => {
        for await (const _ of uploads.list("", { signal })) break;
      });
      await expectCode("aborted", () => uploads.abort(upload, { signal }));
      assert.deepEqual(await keysBelow(backend), []);
    },
  ),
];

/** The guarantees of direct access. */
export const ACCESS_CASES: readonly ConformanceCase[] = [
  abilityCase(
    "directAccess",
    "names the bucket and the prefix that url() names, a region and credentials",
    async (direct, backend) => {
      const { bucket, prefix, region, credentials } = await direct.access();
      const root = prefix === "" ? bucket : `${bucket}/${prefix}`;
      assert.ok(
        backend.url(key("a/b")).endsWith(`/${root}/a/b`),
        `${backend.url(key("a/b"))} lies in ${root}`,
      );
      for (const text of [region, credentials.accessKeyId, credentials.secretAccessKey])
        assert.ok(typeof text === "string" && text.length > 0);
    },
  ),
  abilityCase("directAccess", "rejects with aborted when its signal has fired", async (direct) => {
    const error: unknown = await direct.access({ signal: AbortSignal.abort() }).catch((thrown) => thrown);
    assert.ok(isStorageError(error, "aborted"), String(error));
  }),
];

/** The guarantees of renames. */
export const RENAME_CASES: readonly ConformanceCase[] = [
  abilityCase(
    "renames",
    "renames an object, replaces one of that name, and then deletes others; missing ones count as deleted",
    async (renames, backend) => {
      for (const name of ["r/_new", "r/new", "r/old", "r/kept"]) await putText(backend, name, name);
      const removing = [key("r/old"), key("r/missing")];
      await renames.rename(key("r/_new"), key("r/new"), { removing });
      assert.deepEqual(await keysBelow(backend), ["r/kept", "r/new"]);
      assert.equal(await getText(backend, "r/new"), "r/_new");
      assert.equal((await backend.head(key("r/new"))).sizeBytes, 6);
    },
  ),
  abilityCase(
    "renames",
    "rejects a rename of a missing object with not_found and one into another folder with invalid_argument, and changes nothing",
    async (renames, backend) => {
      for (const name of ["r/a", "r/b", "c"]) await putText(backend, name, name);
      const removing = [key("r/b")];
      await expectCode("not_found", () => renames.rename(key("r/x"), key("r/a"), { removing }));
      await expectCode("invalid_argument", () => renames.rename(key("r/a"), key("a"), { removing }));
      await expectCode("invalid_argument", () =>
        renames.rename(key("r/a"), key("r/x"), { removing: [key("c")] }),
      );
      await expectCode("aborted", () =>
        renames.rename(key("r/a"), key("r/x"), { removing, signal: AbortSignal.abort() }),
      );
      assert.deepEqual(await keysBelow(backend), ["c", "r/a", "r/b"]);
    },
  ),
];

/** The guarantees of removing leftovers. */
export const LEFTOVER_CASES: readonly ConformanceCase[] = [
  abilityCase(
    "leftovers",
    "removes no object, and nothing of a put that runs",
    async (leftovers, backend) => {
      await putText(backend, "l/a", "a");
      await backend.put(
        key("l/b"),
        (async function* () {
          yield noise(1000);
          assert.deepEqual(await keysBelow(backend), ["l/a"]);
          assert.deepEqual(await leftovers.removeListed(), []);
          assert.deepEqual(await leftovers.removeAll(), []);
          yield noise(1000);
        })(),
      );
      assert.deepEqual(await leftovers.removeAll({ dryRun: true }), []);
      assert.deepEqual(await keysBelow(backend), ["l/a", "l/b"]);
      assert.equal((await backend.head(key("l/b"))).sizeBytes, 2000);
    },
  ),
];
