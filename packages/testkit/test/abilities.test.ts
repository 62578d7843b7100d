import { parseKey, type StorageBackend } from "@parquetry/core";
import {
  abilitiesOf,
  type BackendAbilities,
  DEFAULT_RETRY_POLICY,
  limited,
  paced,
  prefixed,
  type ReplayableBody,
  retrying,
  StorageError,
  type UploadState,
  withAbilities,
} from "@parquetry/core/backend";
import { createTransferLimits } from "@parquetry/core/unstable";
import { describe, expect, it } from "vitest";
import { type FaultPlan, faulty } from "../src/faulty.ts";
import { ableBackend } from "./support/able-backend.ts";

const KEY = parseKey("a/b");
const POLICY = { ...DEFAULT_RETRY_POLICY, maxAttempts: 4, baseDelayMs: 1, maxDelayMs: 2 };
const CONTENT = new Uint8Array(200_000).map((_, i) => i % 251);

function bodyOf(bytes: Uint8Array): ReplayableBody {
  return {
    sizeBytes: bytes.byteLength,
    async *open({ start, end = bytes.byteLength } = { start: 0 }) {
      yield bytes.subarray(start, end);
    },
  };
}

async function all<T>(items: AsyncIterable<T> | Iterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** An ability that the test depends on. */
function need<K extends keyof BackendAbilities>(
  backend: StorageBackend,
  name: K,
): NonNullable<BackendAbilities[K]> {
  const ability = abilitiesOf(backend)[name];
  if (ability === undefined) throw new Error(`the backend lacks ${name}`);
  return ability;
}

const unavailable = (): StorageError =>
  new StorageError({ code: "unavailable", op: "test", message: "a planned failure." });

/** Waits until everything that can go on without new events has done so. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe("abilities", () => {
  it("belong to one object: a copy and a wrapper that does not know them have none", () => {
    const backend = ableBackend();
    expect(Object.keys(abilitiesOf(backend))).toEqual([
      "renames",
      "hashedReads",
      "hashedWrites",
      "resumableUploads",
      "directAccess",
      "limitedTransfers",
    ]);
    expect(abilitiesOf({ ...backend })).toEqual({});
    expect(abilitiesOf({ ...backend, get: (key, options) => backend.get(key, options) })).toEqual({});
    expect(abilitiesOf(faulty(backend, () => undefined))).toEqual({});
  });

  it.each([
    ["prefixed", (backend: StorageBackend) => prefixed(backend, KEY)],
    ["retrying", (backend: StorageBackend) => retrying(backend)],
    ["limited", (backend: StorageBackend) => limited(backend)],
    ["paced", (backend: StorageBackend) => paced(counted(backend))],
  ])("%s adds no ability that its backend lacks", (_, wrap) => {
    expect(Object.values(abilitiesOf(wrap({ ...ableBackend() }))).filter(Boolean)).toEqual([]);
  });
});

/** The backend as if its store limited the writes to each key. */
function counted(backend: StorageBackend, writesPerSecondPerKey = 1000): StorageBackend {
  const { capabilities } = backend;
  return withAbilities(
    { ...backend, capabilities: { ...capabilities, writesPerSecondPerKey } },
    abilitiesOf(backend),
  );
}

describe("prefixed", () => {
  it("translates the keys of all abilities and joins the prefix of direct access", async () => {
    const inner = ableBackend();
    const backend = prefixed(prefixed(inner, parseKey("team")), parseKey("raw"));
    const uploads = need(backend, "resumableUploads");
    const stored = await uploads.upload(KEY, bodyOf(CONTENT), { onState() {} });
    expect((await inner.head(parseKey("team/raw/a/b"))).etag).toBe(stored.etag);
    const read = await need(backend, "hashedReads").read(KEY, stored);
    expect(Buffer.compare(read?.bytes ?? new Uint8Array(), CONTENT)).toBe(0);
    const hashed = { partSizeBytes: CONTENT.byteLength, check() {} };
    const written = await need(backend, "hashedWrites").put(KEY, bodyOf(CONTENT), hashed);
    expect((await inner.head(parseKey("team/raw/a/b"))).etag).toBe(written?.etag);
    expect((await need(backend, "directAccess").access()).prefix).toBe("team/raw");

    const stop = new Error("stop");
    await expect(uploads.upload(KEY, bodyOf(CONTENT), { onState: () => Promise.reject(stop) })).rejects.toBe(
      stop,
    );
    await need(inner, "resumableUploads")
      .upload(parseKey("other/x"), bodyOf(CONTENT), { onState: () => Promise.reject(stop) })
      .catch(() => {});
    const found = await all(uploads.list());
    expect(found.map(({ key }) => key)).toEqual(["a/b"]);
    expect(await all(uploads.list(parseKey("a")))).toEqual(found);
    expect(await all(uploads.list(parseKey("b")))).toEqual([]);
    for (const upload of found) await uploads.abort(upload);
    expect(await all(uploads.list())).toEqual([]);
  });
});

describe("limited", () => {
  it("counts an upload as one operation, and lends its place while onState is awaited", async () => {
    const backend = limited(ableBackend(), { maxConcurrent: 1 });
    const order: string[] = [];
    let goOn = (): void => {};
    const journal = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const upload = need(backend, "resumableUploads").upload(KEY, bodyOf(CONTENT), {
      onState: ({ parts }) => {
        order.push(`part ${parts.length}`);
        return parts.length === 1 ? journal : undefined;
      },
    });
    const put = backend.put(parseKey("other"), new Uint8Array(1)).then(() => order.push("put"));
    // Resolves only because the upload lends its place; without that, both wait forever.
    await put;
    goOn();
    await upload;
    expect(order).toEqual(["part 0", "part 1", "put", "part 2", "part 3", "part 4"]);
  });

  it("lets an upload that waits for a part give way to what releases memory", async () => {
    const inner = ableBackend();
    const { maxFileBytes, maxOutstandingBytes } = need(inner, "hashedReads");
    const version = await inner.put(KEY, new Uint8Array(maxFileBytes));
    const backend = limited(inner, { maxConcurrent: 1 });
    const { read } = need(inner, "hashedReads");
    const count = maxOutstandingBytes / maxFileBytes;
    const held = await Promise.all(Array.from({ length: count }, () => read(KEY, version)));
    const upload = need(backend, "resumableUploads").upload(parseKey("up"), bodyOf(CONTENT), {
      readPart: (range) => read(KEY, version, { range }),
      onState() {},
    });
    // This needs the place of the upload that waits for it.
    await backend.put(parseKey("copy"), held[0]?.bytes ?? new Uint8Array());
    for (const one of held) one?.release();
    expect((await upload).sizeBytes).toBe(CONTENT.byteLength);
  });

  it("counts a list, an abort and a hashed read", async () => {
    const inner = ableBackend();
    const { etag, sizeBytes } = await inner.put(KEY, CONTENT);
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = withAbilities(
      {
        ...inner,
        async head(key, options) {
          await held;
          return inner.head(key, options);
        },
      },
      abilitiesOf(inner),
    );
    const backend = limited(slow, { maxConcurrent: 1 });
    const { hashedReads, resumableUploads } = abilitiesOf(backend);
    const done: string[] = [];
    const calls = [
      backend.head(KEY).then(() => done.push("head")),
      all(resumableUploads?.list() ?? []).then(() => done.push("list")),
      resumableUploads?.abort({ key: KEY, uploadId: "gone" }).then(() => done.push("abort")),
      hashedReads?.read(KEY, { etag, sizeBytes }).then((read) => done.push(`read ${read?.md5.length}`)),
    ];
    await settle();
    expect(done).toEqual([]);
    release();
    await Promise.all(calls);
    expect(done[0]).toBe("head");
    expect(done.slice(1).sort()).toEqual(["abort", "list", "read 32"]);
  });

  it("lets a read that waits for memory give way to what releases memory", async () => {
    const inner = ableBackend();
    const { maxFileBytes, maxOutstandingBytes } = need(inner, "hashedReads");
    const version = await inner.put(KEY, new Uint8Array(maxFileBytes));
    const backend = limited(inner, { maxConcurrent: 1 });
    const { read } = need(backend, "hashedReads");
    const count = maxOutstandingBytes / maxFileBytes;
    const held = await Promise.all(Array.from({ length: count }, () => read(KEY, version)));
    const waiting = read(KEY, version);
    // This needs the place of the read that waits for it.
    await backend.put(parseKey("copy"), held[0]?.bytes ?? new Uint8Array());
    for (const one of held) one?.release();
    expect((await waiting)?.md5).toBe(held[0]?.md5);
  });
});

describe("paced", () => {
  it("gives an upload its turn among the writes to its key, and only to that one", async () => {
    const inner = ableBackend();
    const backend = paced(counted(inner, 20));
    const order: string[] = [];
    const { upload } = need(backend, "resumableUploads");
    const note = (name: string) => (): void => void order.push(name);
    await Promise.all([
      upload(KEY, bodyOf(CONTENT), { onState: ({ parts }) => note(`part ${parts.length}`)() }),
      backend.put(KEY, new Uint8Array(1)).then(note("put after it")),
      backend.put(parseKey("other"), new Uint8Array(1)).then(note("put elsewhere")),
    ]);
    expect(order.at(-1)).toBe("put after it");
    expect((await inner.head(KEY)).sizeBytes).toBe(1);
  });

  it("passes the other abilities on, also to a key that has to wait", async () => {
    const backend = paced(counted(ableBackend(), 1));
    const { etag, sizeBytes } = await backend.put(KEY, CONTENT);
    const { hashedReads, directAccess, resumableUploads, limitedTransfers } = abilitiesOf(backend);
    expect((await hashedReads?.read(KEY, { etag, sizeBytes }))?.md5).toHaveLength(32);
    expect((await directAccess?.access())?.bucket).toBe("bucket");
    await resumableUploads?.abort({ key: KEY, uploadId: "none" });
    limitedTransfers?.limit(createTransferLimits(1))();
    expect(limitedTransfers).toBeDefined();
  });
});

describe("retrying", () => {
  const flaky = (plan: FaultPlan): StorageBackend =>
    retrying(faulty(ableBackend(), plan, { abilities: "pass" }), POLICY);

  it("resumes an upload from its last state, however often it breaks off", async () => {
    let began = 0;
    const backend = flaky(({ op, nth }) =>
      op === "upload" && nth <= 3 ? { when: "body", afterParts: 1, error: unavailable() } : undefined,
    );
    const sizes: number[] = [];
    await need(backend, "resumableUploads").upload(KEY, bodyOf(CONTENT), {
      onState({ parts }) {
        if (parts.length === 0) began++;
        sizes.push(parts.length);
      },
    });
    // Four calls, each of which reported one part; none began again.
    expect(sizes).toEqual([0, 1, 2, 3, 4]);
    expect(began).toBe(1);
    expect((await backend.head(KEY)).sizeBytes).toBe(CONTENT.byteLength);
    expect(await all(need(backend, "resumableUploads").list())).toEqual([]);
  });

  it("gives an upload up that makes no progress", async () => {
    let calls = 0;
    const backend = flaky(({ op }) => {
      if (op !== "upload") return undefined;
      calls++;
      return { when: "body", afterParts: 0, error: unavailable() };
    });
    const upload = need(backend, "resumableUploads").upload(KEY, bodyOf(CONTENT), { onState() {} });
    await expect(upload).rejects.toMatchObject({ code: "unavailable", attempts: 4 });
    expect(calls).toBe(4);
  });

  it("keeps the first state that the caller passed", async () => {
    const inner = ableBackend();
    let kept: UploadState | undefined;
    const stop = new Error("stop");
    await need(inner, "resumableUploads")
      .upload(KEY, bodyOf(CONTENT), {
        onState(state) {
          kept = state;
          if (state.parts.length === 2) throw stop;
        },
      })
      .catch(() => {});
    const sizes: number[] = [];
    await need(retrying(inner, POLICY), "resumableUploads").upload(KEY, bodyOf(CONTENT), {
      resume: kept,
      onState: ({ parts }) => void sizes.push(parts.length),
    });
    expect(sizes).toEqual([3, 4]);
  });

  it("repeats a hashed read, a list and an abort, and lists no upload twice", async () => {
    const failed = new Set<string>();
    const backend = flaky(({ op }) => {
      if (op === "upload" || failed.has(op)) return undefined;
      failed.add(op);
      return op === "listUploads"
        ? { when: "body", afterPages: 2, error: unavailable() }
        : { when: "before", error: unavailable() };
    });
    const { etag } = await backend.put(KEY, CONTENT);
    const read = await need(backend, "hashedReads").read(KEY, { etag, sizeBytes: CONTENT.byteLength });
    expect(Buffer.compare(read?.bytes ?? new Uint8Array(), CONTENT)).toBe(0);
    const uploads = need(backend, "resumableUploads");
    for (const name of ["u/1", "u/2", "u/3"])
      await uploads
        .upload(parseKey(name), bodyOf(CONTENT), { onState: () => Promise.reject(new Error("stop")) })
        .catch(() => {});
    const listed = await all(uploads.list());
    expect(listed.map(({ key }) => key)).toEqual(["u/1", "u/2", "u/3"]);
    for (const upload of listed) await uploads.abort(upload);
    expect(await all(uploads.list())).toEqual([]);
    expect([...failed].sort()).toEqual(["abortUpload", "listUploads", "put", "readHashed"]);
  });

  it("passes direct access on", async () => {
    const backend = flaky(() => undefined);
    expect((await need(backend, "directAccess").access()).bucket).toBe("bucket");
  });
});
