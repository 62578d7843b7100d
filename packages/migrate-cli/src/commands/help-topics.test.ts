import { describe, expect, it } from "vitest";
import { runInMemory } from "../../test/support/run-in-memory.ts";
import { HELP_TOPICS } from "./help-topics.ts";

describe("parquetry help", () => {
  it.each(HELP_TOPICS.map(({ name }) => name))("prints %s", async (topic) => {
    const { exitCode, text } = await runInMemory("help", topic);
    expect(exitCode).toBe(0);
    expect(text.length).toBeGreaterThan(200);
    expect((await runInMemory("--help")).text).toContain(topic);
  });

  it("tells what there is help about", async () => {
    const { exitCode, text } = await runInMemory("help", "everything");
    expect(exitCode).toBe(2);
    expect(text).toContain("Expected one of init, doctor");
  });
});
