import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { ReplayableBody, ResumableUploads, StorageBackend, UploadState } from "@parquetry/core/backend";
import { mapConcurrent } from "@parquetry/core/unstable";
import { abilityCase } from "./ability-case.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { expectCode } from "./expect-code.ts";
import { bodyOf, expectContent, getText, key, keysBelow, md5, noise, putText } from "./sample.ts";

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
