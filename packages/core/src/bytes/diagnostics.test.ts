import { tracingChannel } from "node:diagnostics_channel";
import { afterEach, describe, expect, it } from "vitest";
import { partition } from "../hive/partition.ts";
import { Storage } from "../table/storage.ts";
import { abilitiesOf } from "./abilities.ts";
import { retrying } from "./concurrency/retrying.ts";
import { type DiagnosticMessages, traced } from "./diagnostics.ts";
import { type Key, parseKey, parsePrefix } from "./key.ts";
import { createMemoryBackend } from "./memory-backend.ts";
import { prefixed } from "./prefixed.ts";

type Name = Exclude<keyof DiagnosticMessages, "parquetry:no-answer">;
const forget: (() => void)[] = [];
afterEach(() => {
  for (const each of forget.splice(0)) each();
});

/** The events of a channel from now on. */
function listen<N extends Name>(name: N): { event: string; message: DiagnosticMessages[N] }[] {
  const events: { event: string; message: DiagnosticMessages[N] }[] = [];
  for (const event of ["start", "asyncEnd", "error"] as const) {
    const channel = tracingChannel(name)[event];
    // Only Parquetry publishes there.
    const take = (message: unknown): number =>
      events.push({ event, message: message as DiagnosticMessages[N] });
    channel.subscribe(take);
    forget.push(() => channel.unsubscribe(take));
  }
  return events;
}

const k = (text: string): Key => parseKey(text, "test");

const ended = (events: ReturnType<typeof listen<"parquetry:operation">>): unknown[] =>
  events.flatMap(({ event, message: { operation, path } }) =>
    event === "asyncEnd" ? [`${operation} ${path}`] : [],
  );

describe("parquetry:operation", () => {
  it("reports every kind of operation once, through any number of wrappers", async () => {
    const backend = prefixed(retrying(createMemoryBackend()), parsePrefix("root", "test"));
    const events = listen("parquetry:operation");
    await backend.put(k("a/x"), new Uint8Array(3));
    await backend.head(k("a/x"));
    await (await backend.get(k("a/x"))).body.bytes();
    await backend.copy(k("a/x"), k("a/y"));
    for await (const _ of backend.list({ prefix: k("a") }));
    await abilitiesOf(backend).renames?.rename(k("a/y"), k("a/z"));
    for await (const _ of backend.delete([k("a/x"), k("a/z")]));
    expect([...new Set(ended(events))]).toEqual([
      "put a/x",
      "head a/x",
      "get a/x",
      "copy a/x",
      "list a",
      "rename a/y",
      "delete ",
    ]);
    expect(events.filter(({ event }) => event === "start")).toHaveLength(ended(events).length);
    expect(events.find(({ message }) => message.operation === "put")?.message).toMatchObject({
      backend: "memory",
      result: { sizeBytes: 3 },
    });
    const deleted = events.filter(
      ({ event, message }) => event === "asyncEnd" && message.operation === "delete",
    );
    expect(deleted.map(({ message }) => message.result)).toEqual([
      expect.objectContaining({ key: "a/x" }),
      expect.objectContaining({ key: "a/z" }),
      undefined,
    ]);
  });

  it("reports the error of a failed operation, and the caller gets the same error", async () => {
    const backend = createMemoryBackend();
    const events = listen("parquetry:operation");
    const error = await backend.head(k("missing")).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "not_found" });
    expect(events.map(({ event }) => event)).toEqual(["start", "error", "asyncEnd"]);
    expect(events[1]?.message.error).toBe(error);
  });

  it("ends a listing that its reader leaves early", async () => {
    const backend = createMemoryBackend();
    await backend.put(k("a"), new Uint8Array());
    const events = listen("parquetry:operation");
    for await (const _ of backend.list()) break;
    expect(ended(events)).toEqual(["list "]);
  });

  it("returns the iteration of the backend itself without subscribers", async () => {
    const bare = createMemoryBackend();
    const pages = bare.list();
    expect(Object.prototype.toString.call(pages)).toBe("[object AsyncGenerator]");
    const events = listen("parquetry:operation");
    for await (const _ of pages);
    expect(events).toEqual([]);
  });
});

describe("parquetry:commit", () => {
  it("reports each commit with its partition, rows and bytes", async () => {
    const storage = new Storage(createMemoryBackend());
    const events = listen("parquetry:commit");
    await storage.write("raw/plays", [{ a: 1 }, { a: 2 }], partition({ year: 2024 }));
    await storage.write("raw/plays", [{ a: 3 }], partition({ year: 2024 }), { overwrite: false });
    expect(events.filter(({ event }) => event === "asyncEnd").map(({ message }) => message)).toEqual(
      [
        { rows: 2, overwrite: true },
        { rows: 1, overwrite: false },
      ].map((each) =>
        expect.objectContaining({
          ...each,
          entity: "raw/plays",
          path: "raw/plays/year=2024",
          backend: "memory",
        }),
      ),
    );
    expect(events[0]?.message.sizeBytes).toBeGreaterThan(0);
  });
});

describe("traced", () => {
  it("makes no message without subscribers", async () => {
    let made = 0;
    const message = (): DiagnosticMessages["parquetry:query"] => {
      made++;
      return { sql: "SELECT 1" };
    };
    expect(await traced("parquetry:query", message, async () => 1)).toBe(1);
    expect(made).toBe(0);
    const events = listen("parquetry:query");
    expect(await traced("parquetry:query", message, async () => 2, String)).toBe(2);
    expect(made).toBe(1);
    await expect.poll(() => events.at(-1)?.message.result).toBe("2");
    await expect(
      traced("parquetry:query", message, async () => Promise.reject(new Error("no")), String),
    ).rejects.toThrow("no");
  });
});
