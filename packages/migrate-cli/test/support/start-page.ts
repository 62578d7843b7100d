import { jsonLines, type RunningCommand, type World } from "./command.ts";

/** Starts `parquetry ui`, and returns the address of its page. */
export async function startPage(
  world: World,
  ...args: readonly string[]
): Promise<{ readonly url: string; readonly page: RunningCommand }> {
  const page = world.start(["ui", ...args, "--no-open", "--json"]);
  const url = await new Promise<string>((resolve, reject) => {
    page.child.stdout?.on("data", (text: string) => {
      const started = jsonLines(text).find(({ type }) => type === "started");
      if (started !== undefined) resolve(String(started["url"]));
    });
    page.outcome.then(({ stderr }) => reject(new Error(stderr)), reject);
  });
  return { url, page };
}
