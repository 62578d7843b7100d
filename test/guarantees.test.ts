import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "./support/sources.ts";

const page = readFileSync(join(ROOT, "docs", "guarantees.md"), "utf8");
const claims = page.slice(0, page.indexOf("## What the attacks found"));
const named = [...claims.matchAll(/`([^`\s]+\.test\.ts)`/g)].map(([, file = ""]) => file);
const attacks = readdirSync(join(ROOT, "soak", "attack"))
  .filter((file) => file.endsWith(".mjs"))
  .map((file) => file.slice(0, -".mjs".length));

it("names tests that exist", () => {
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
});

it("shows every guarantee by a test or an attack", () => {
  const sections = claims.split(/^## /m).slice(1);
  expect(sections.length).toBeGreaterThan(5);
  expect(sections.filter((section) => !/^Shown by .*`[^`]+\.test\.ts`/ms.test(section))).toEqual([]);
});

it("names every attack, and only attacks that exist", () => {
  const shown = [...claims.matchAll(/the attacks? ((?:`\w+`(?:, | and )?)+)/g)].flatMap(([, list = ""]) =>
    [...list.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name),
  );
  expect([...new Set(shown)].sort()).toEqual(attacks.sort());
});

it("has a table of what the attacks found, without violations", () => {
  const rows = [...page.matchAll(/^\| (\w+) \| .* \| (\d+) \| (\d+) \| .* \|$/gm)];
  expect(
    rows.flatMap(([row, , trials, violations]) => (trials === "0" || violations !== "0" ? [row] : [])),
  ).toEqual([]);
  expect([...new Set(rows.map(([, part]) => part))].sort()).toEqual(attacks);
});
