import { parseKey } from "@parquetry/core";
import { describe, expect, it } from "vitest";
import { resolveTable } from "./resolve-table.ts";

const entities = ["processed/plays", "raw/games", "raw/Games", "raw/plays", "raw/byplay", "teams"].map(
  (name) => parseKey(name),
);

describe("resolveTable", () => {
  it.each([
    ["raw/plays", "raw/plays"],
    ["RAW/PLAYS", "raw/plays"],
    ["raw/Games", "raw/Games"],
    ["Games", "raw/Games"],
    ["games", "raw/games"],
    ["byplay", "raw/byplay"],
    ["teams", "teams"],
  ])("resolves %s to %s", (name, entity) => expect(resolveTable(name, entities)).toBe(entity));

  it.each([
    ["plays", /"processed\/plays" or "raw\/plays"/],
    ["GAMES", /"raw\/games" or "raw\/Games"/],
    ["bypaly", /Did you mean byplay\?/],
    ["raw/playz", /Did you mean "raw\/plays"\?/],
    ["lays", /There are "processed\/plays"/],
  ])("refuses %s", (name, message) => expect(() => resolveTable(name, entities)).toThrow(message));
});
