import { describe, expect, it } from "vitest";
import { createR2Backend, createS3Backend } from "../src/index.ts";

/** A value as plain JavaScript can pass it. */
// biome-ignore lint/suspicious/noExplicitAny: standing in for callers without types is the point
const anything = (value: unknown): any => value;

const CREDENTIALS = { accessKeyId: "nobody", secretAccessKey: "nothing" };
const POLICY = { maxAttempts: 1, budgetMs: 1000, baseDelayMs: 1, maxDelayMs: 1 };
const ENDPOINT = "http://127.0.0.1:9";

interface Values {
  readonly right: readonly unknown[];
  readonly wrong: readonly unknown[];
}

const text: Values = { right: [undefined], wrong: [5, null, {}, ["a"]] };
const count: Values = { right: [1, 1000, undefined], wrong: [0, -1, 1.5, "8", Number.NaN, null] };

const OF_BOTH: Readonly<Record<string, Values>> = {
  bucket: { right: ["football"], wrong: ["", 5, null, undefined, {}] },
  prefix: { right: ["", "a/b", undefined], wrong: [5, null, {}] },
  retry: {
    right: [POLICY, { ...POLICY, onRetry: () => {} }, undefined],
    wrong: ["often", 5, null, [], () => POLICY],
  },
  "retry.maxAttempts": { right: [1], wrong: [0, "3", null, Number.NaN] },
  "retry.budgetMs": { right: [0, 1.5], wrong: ["3", null, Number.NaN] },
  "retry.baseDelayMs": { right: [0], wrong: ["3", null] },
  "retry.maxDelayMs": { right: [0], wrong: ["3", null] },
  "retry.onRetry": { right: [() => {}], wrong: ["log", {}] },
  "retry.maxAttemps": { right: [], wrong: [3] },
  maxConcurrent: count,
  listPageSize: { ...count, wrong: [...count.wrong, 1001] },
  stallTimeoutMs: { right: [1, 0.5, undefined], wrong: [0, -1, "30", Number.NaN, null] },
  endpoint: { right: [ENDPOINT], wrong: ["127.0.0.1:9", "ftp://a", 5, null] },
  credentials: {
    right: [CREDENTIALS, { ...CREDENTIALS, sessionToken: "token" }],
    wrong: [
      "key",
      null,
      {},
      { accessKeyId: "a" },
      { ...CREDENTIALS, sessionToken: 5 },
      async () => CREDENTIALS,
    ],
  },
  buckett: { right: [], wrong: ["football"] },
};

const CALLS: Readonly<
  Record<string, readonly [open: typeof createS3Backend, Readonly<Record<string, Values>>]>
> = {
  createS3Backend: [
    createS3Backend,
    {
      ...OF_BOTH,
      region: { ...text, right: ["eu-west-1"] },
      forcePathStyle: { right: [true, false], wrong: ["false", 0, null] },
      profile: { ...text, right: ["work"] },
      client: { right: [undefined], wrong: ["client", null, {}, { config: {} }, () => {}] },
      accountId: { right: [], wrong: ["account"] },
    },
  ],
  createR2Backend: [
    anything(createR2Backend),
    {
      ...OF_BOTH,
      accountId: { ...text, right: ["account"] },
      jurisdiction: { right: ["eu", "us", "fedramp"], wrong: ["mars", "EU", null, 5] },
      region: { right: [], wrong: ["auto"] },
    },
  ],
};

describe.each(Object.entries(CALLS))("%s", (_, [open, options]) => {
  const attempt = (name: string, value: unknown): (() => unknown) => {
    const [option = "", inner] = name.split(".");
    const given = inner === undefined ? value : { ...POLICY, [inner]: value };
    return () =>
      open(anything({ bucket: "football", endpoint: ENDPOINT, credentials: CREDENTIALS, [option]: given }));
  };

  it.each(Object.entries(options))("checks the kind of %s", (name, { right, wrong }) => {
    for (const value of right) expect(attempt(name, value), String(value)).not.toThrow();
    for (const value of wrong)
      expect(attempt(name, value), String(value)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^invalid_(?:argument|path)$/) }),
      );
  });

  it("refuses anything but an object of options", () => {
    for (const value of [undefined, null, "football", [], new Map()])
      expect(() => open(anything(value)), String(value)).toThrow(
        expect.objectContaining({ code: "invalid_argument" }),
      );
  });
});
