import { describe, expect, it } from "vitest";
import { estimateCost } from "./estimate-cost.ts";
import { parsePriceTable } from "./price-table.ts";
import { PRICES_2026_10 } from "./prices-2026-10.ts";

describe("estimateCost", () => {
  it("subtracts R2's free allowance and rounds up to whole units", () => {
    const monthly = (gigabytes: number): number =>
      estimateCost({ storedBytes: gigabytes * 1e9 }).r2.monthlyUsd;
    expect(monthly(10)).toBe(0);
    expect(monthly(10.000001)).toBeCloseTo(0.015);
    expect(monthly(15.3)).toBeCloseTo(0.09);
    const writing = (writes: number): number => estimateCost({ storedBytes: 0, writes }).r2.requestsUsd;
    expect(writing(1_000_000)).toBe(0);
    expect(writing(1_000_001)).toBeCloseTo(4.5);
    expect(writing(3_500_000)).toBeCloseTo(13.5);
    expect(estimateCost({ storedBytes: 0, reads: 10_000_001 }).r2.requestsUsd).toBeCloseTo(0.36);
    expect(estimateCost({ storedBytes: 0, egressBytes: 1e15 }).r2.egressUsd).toBe(0);
  });

  it("prices S3 to the byte, with 100 GB of free egress", () => {
    const gib = 2 ** 30;
    const { s3 } = estimateCost({
      storedBytes: 100 * gib,
      writes: 31_857,
      reads: 10_000,
      egressBytes: 150 * gib,
    });
    expect(s3.monthlyUsd).toBeCloseTo(2.3);
    expect(s3.requestsUsd).toBeCloseTo(0.159285 + 0.004);
    expect(s3.egressUsd).toBeCloseTo(4.5);
    expect(s3.onceUsd).toBeCloseTo(s3.requestsUsd + s3.egressUsd);
  });

  it("rejects a negative amount", () => {
    expect(() => estimateCost({ storedBytes: -1 })).toThrow(/storedBytes/);
    expect(() => estimateCost({ storedBytes: 0, writes: Number.NaN })).toThrow(/writes/);
  });
});

describe("parsePriceTable", () => {
  it("parses the built-in table as JSON", () => {
    expect(parsePriceTable(JSON.stringify(PRICES_2026_10), "x")).toEqual(PRICES_2026_10);
  });

  it("names every invalid field", () => {
    const wrong = { ...PRICES_2026_10, date: "soon", r2: { ...PRICES_2026_10.r2, readsPerMillion: -1 } };
    expect(() => parsePriceTable(JSON.stringify(wrong), "prices.json")).toThrow(
      /prices\.json.*date.*r2\.readsPerMillion/,
    );
    expect(() => parsePriceTable("{", "prices.json")).toThrow(/cannot be read/);
  });
});
