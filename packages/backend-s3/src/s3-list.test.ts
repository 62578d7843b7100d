import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type ListPage, parseKey } from "@parquetry/core/backend";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createS3Backend } from "./s3-backend.ts";

/** One object of a page. */
interface Item {
  readonly key: string;
  readonly size?: string;
  readonly time?: string;
  readonly owner?: string;
}

/** One page, by its number from 0. */
type Script = (page: number) => {
  readonly items?: readonly Item[];
  readonly children?: readonly string[];
  readonly next?: string;
};

let script: Script = () => ({});
let requests = 0;
const server = createServer((_request, response) => {
  const { items = [], children = [], next } = script(requests++);
  const contents = items.map(
    ({ key, size = "1", time = "2026-01-01T00:00:00.000Z", owner = "" }) =>
      `<Contents><Key>${key}</Key><LastModified>${time}</LastModified><ETag>"x"</ETag><Size>${size}</Size><Owner>${owner}</Owner></Contents>`,
  );
  const prefixes = children.map((name) => `<CommonPrefixes><Prefix>${name}</Prefix></CommonPrefixes>`);
  const end =
    next === undefined ? "false" : `true</IsTruncated><NextContinuationToken>${next}</NextContinuationToken>`;
  const truncated = next === undefined ? `<IsTruncated>${end}</IsTruncated>` : `<IsTruncated>${end}`;
  response.end(`<ListBucketResult>${truncated}${contents.join("")}${prefixes.join("")}</ListBucketResult>`);
});

beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterAll(() => {
  server.close();
});

/** Lists everything that the script sends. */
async function listAll(pages: Script, prefix = ""): Promise<ListPage[]> {
  script = pages;
  requests = 0;
  const backend = createS3Backend({
    bucket: "football",
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
  });
  const all: ListPage[] = [];
  try {
    for await (const page of backend.list(prefix === "" ? {} : { prefix: parseKey(prefix) })) all.push(page);
    return all;
  } finally {
    await backend.close();
  }
}

describe("a listing", () => {
  it("is read page by page, with empty pages in between", async () => {
    const pages = await listAll((page) =>
      page < 40
        ? { items: page % 5 === 0 ? [{ key: `k${String(page).padStart(3, "0")}` }] : [], next: `t${page}` }
        : { items: [{ key: "z", size: "0" }], children: ["k0x/", "zz/"] },
    );
    expect(pages.flatMap(({ objects }) => objects.map(({ key }) => key))).toHaveLength(9);
    expect(requests).toBe(41);
  });

  it("keeps nothing of an answer but its objects", async () => {
    setFlagsFromString("--expose-gc");
    const collectGarbage: () => void = runInNewContext("gc");
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    const owner = "o".repeat(1_000_000);
    const pages = await listAll((page) => ({
      items: [{ key: `a key that is long enough to be a part of its answer: ${10 + page}`, owner }],
      ...(page < 40 ? { next: `t${page}` } : {}),
    }));
    collectGarbage();
    expect(pages).toHaveLength(41);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(20_000_000);
  });

  it.each<[string, Script, string]>([
    [
      "the same page again and again",
      () => ({ items: [{ key: "a" }], next: "same" }),
      '\\"a\\" comes after \\"a\\"',
    ],
    [
      "the same token with other names",
      (page) => ({ items: [{ key: `k${page}` }], next: "same" }),
      "repeats",
    ],
    ["two tokens in turn", (page) => ({ next: `t${page % 2}` }), "repeats a continuation token"],
    ["new tokens without names, for ever", (page) => ({ next: `t${page}` }), "1000 pages in a row are empty"],
    ["names out of order", () => ({ items: [{ key: "b" }, { key: "a" }] }), '\\"a\\" comes after \\"b\\"'],
    ["a name twice", () => ({ items: [{ key: "b" }, { key: "b" }] }), '\\"b\\" comes after \\"b\\"'],
    [
      "an earlier page after a later one",
      (page) => ({ items: [{ key: `k${9 - page}` }], next: `t${page}` }),
      '\\"k8\\" comes after \\"k9\\"',
    ],
    ["child prefixes out of order", () => ({ children: ["b/", "a/"] }), '\\"a/\\" comes after \\"b/\\"'],
    ...["-1", "1e30", "NaN", "", "0x10", "99999999999999999999", "1.5", " 5"].map(
      (size): [string, Script, string] => [
        `the size ${JSON.stringify(size)}`,
        () => ({ items: [{ key: "a", size }] }),
        `the size of \\"a\\"`,
      ],
    ),
    ...["", "yesterday", "2026-13-45T99:00:00Z"].map((time): [string, Script, string] => [
      `the time ${JSON.stringify(time)}`,
      () => ({ items: [{ key: "a", time }] }),
      'the time of \\"a\\"',
    ]),
  ])("is corrupt, once and without end, if the store sends %s", async (_, pages, reason) => {
    const listing = listAll(pages);
    await expect(listing).rejects.toMatchObject({ code: "corrupt", op: "list", retry: "never" });
    const { message } = (await listing.catch((error: Error) => error as Error)) as Error;
    expect(JSON.stringify(message)).toContain(reason);
    expect(message).toContain("s3://football");
    expect(requests).toBeLessThanOrEqual(1000);
  });

  it.each([
    ["objects", { items: [{ key: "raw10/a" }] }],
    ["child prefixes", { children: ["other/"] }],
  ])("is corrupt if it has %s outside the prefix, which it names", async (_, page) => {
    await expect(listAll(() => page, "raw1")).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringContaining("list s3://football/raw1: "),
    });
  });
});
