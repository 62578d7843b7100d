import { setTimeout } from "node:timers/promises";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { ScanFile } from "../../files/scan-file.ts";
import type { ScanTable } from "../views/scan-table.ts";
import { FileReceiver, FileSender, type SentFiles } from "./sent-files.ts";

const KEPT = 5;

const files = Array.from({ length: 20 }, (_, i): ScanFile => {
  const key = `raw/plays/game=${i}/a.parquet`;
  return { kind: "local", key, path: `/data/${key}`, version: `${key}\n${i}`, entries: [["game", `${i}`]] };
});

/** The number of files in a message that the child does not have yet. */
const addedTo = ({ first, added, numbers }: SentFiles): number =>
  added.chunks.flatMap((chunk) => JSON.parse(chunk)).length === 0
    ? 0
    : new Set(numbers.filter((number) => number >= first)).size;

it("delivers every list, whatever was sent before, fails or is sent concurrently", async () => {
  const list = fc.array(fc.nat({ max: files.length - 1 }), { maxLength: 12 });
  const message = fc.record({ list, delay: fc.nat({ max: 2 }), fails: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(message, { maxLength: 4 }), { maxLength: 6 }), async (rounds) => {
      const sender = new FileSender(KEPT);
      const receiver = new FileReceiver(KEPT);
      for (const round of rounds) {
        await Promise.all(
          round.map(async ({ list, delay, fails }) => {
            const wanted = list.map((i) => files[i]).filter((file) => file !== undefined);
            const sent = sender.send(wanted, async (message) => {
              // An aborted call is never sent.
              if (fails && delay === 0) throw new Error("aborted");
              const received = receiver.receive(structuredClone(message));
              if (delay > 0) await setTimeout(0);
              if (fails) throw new Error("failed");
              return received;
            });
            if (fails) await expect(sent).rejects.toThrow();
            else expect(await sent).toEqual(wanted);
          }),
        );
      }
    }),
    { numRuns: 300 },
  );
});

it("sends a file once, and again after the child has forgotten it", async () => {
  const sender = new FileSender(KEPT);
  const receiver = new FileReceiver(KEPT);
  const send = (from: number, to: number): Promise<number> =>
    sender.send(files.slice(from, to), async (message) => {
      expect(receiver.receive(message)).toEqual(files.slice(from, to));
      return addedTo(message);
    });
  expect(await send(0, 4)).toBe(4);
  expect(await send(0, 4)).toBe(0);
  expect(await send(2, 6)).toBe(2);
  expect(await send(1, 6)).toBe(0);
  expect(await send(0, 1)).toBe(1);
  // More at a time than are kept.
  expect(await send(0, 20)).toBeGreaterThan(13);
  expect(await send(15, 20)).toBe(0);
  expect(await send(14, 15)).toBe(1);
});

it("delivers tables with their groups, also empty ones", async () => {
  const group = (from: number, to: number) => ({
    files: files.slice(from, to),
    columns: [{ name: "yards", type: "BIGINT" }],
  });
  const table = (name: string, groups: ScanTable["groups"]): ScanTable => ({
    names: [name],
    columns: [],
    keys: [],
    groups,
  });
  const tables = [
    table("a", []),
    table("b", [group(0, 3), group(3, 3), group(3, 4)]),
    table("c", [group(2, 5)]),
  ];
  const receiver = new FileReceiver();
  const received = await new FileSender().sendTables(tables, async (sent) =>
    receiver.receiveTables(structuredClone(sent)),
  );
  expect(received).toEqual(tables);
});
