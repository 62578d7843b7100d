import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { partition, type Storage } from "@parquetry/core";
import { openQuery } from "@parquetry/query";
import { openStorage } from "@parquetry/storage";
import { describe, expect, it } from "vitest";
import { createWorld, type World } from "./support/command.ts";

const ENTITY = "raw/plays";
const PLACE = partition({ year: 2024 });
const FOLDER = "raw/plays/year=2024";

/** Where a writer on a disk is killed: the source of the call that it replaces by its death. */
const KILLS = {
  "before its commit": {
    wrap: `put: (key, body, options) => key.endsWith("/_manifest.json") ? die() : backend.put(key, body, options)`,
    renames: "renames",
    replaced: [1, 2],
    appended: [1, 2],
  },
  "between its commit and the rename": {
    wrap: "",
    renames: "{ rename: die }",
    replaced: [3],
    appended: [1, 2, 3],
  },
  "between the rename and its deletions": {
    wrap: "",
    renames: "{ rename: (from, to) => renames.rename(from, to).then(die) }",
    replaced: [3],
    appended: [1, 2, 3],
  },
} as const;

const at = (name: string): string => JSON.stringify(import.meta.resolve(name));

/** Writes a partition of two files, then replaces it or adds to it in a process that is killed. */
async function killWriter(
  root: string,
  { wrap, renames }: { wrap: string; renames: string },
  overwrite: boolean,
) {
  mkdirSync(root, { recursive: true });
  {
    await using storage = await openStorage(root);
    await storage.write(ENTITY, [{ n: 1 }], PLACE);
    await storage.write(ENTITY, [{ n: 2 }], PLACE, { overwrite: false });
  }
  const program = `
    import { Storage, partition } from ${at("@parquetry/core")};
    import { abilitiesOf, withAbilities } from ${at("@parquetry/core/backend")};
    import { openBackend } from ${at("@parquetry/storage")};
    const die = () => { process.kill(process.pid, "SIGKILL"); return new Promise(() => {}); };
    const backend = await openBackend(${JSON.stringify(root)});
    const { renames } = abilitiesOf(backend);
    const dying = withAbilities({ ...backend, ${wrap} }, { renames: ${renames} });
    await new Storage(dying).write(${JSON.stringify(ENTITY)}, [{ n: 3 }], partition({ year: 2024 }), { overwrite: ${overwrite} });`;
  const { signal, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
  });
  expect([signal, stderr]).toEqual(["SIGKILL", ""]);
}

function openBucket({ server }: World): Promise<Storage> {
  const { accessKeyId, secretAccessKey } = server.credentials;
  const env = {
    CFB_R2_ACCESS_KEY: accessKeyId,
    CFB_R2_SECRET_KEY: secretAccessKey,
    CFB_R2_ENDPOINT: server.endpoint,
  };
  return openStorage("r2://football", { env });
}

async function numbersIn(storage: Storage, folder: string): Promise<readonly (readonly number[])[]> {
  const rows = await storage.readIndex(ENTITY);
  await using db = await openQuery(storage, { cacheDirectory: join(folder, "cache-of-the-test") });
  const { rows: found } = await db.sql("SELECT n FROM plays");
  return [rows, found].map((list) => list.map((row) => Number(row["n"])).sort());
}

const isPending = (name: string): boolean => /\/?_part-[0-9a-f]{32}\.pending$/.test(name);

describe.each(Object.entries(KILLS))("the tree of a writer that was killed %s", (when, kill) => {
  it.each([true, false])(
    "is migrated to a bucket with the committed rows, which the next write there or repair tidies (overwrite: %s)",
    async (overwrite) => {
      await using made = await createWorld("r2");
      await killWriter(made.data, kill, overwrite);
      const wanted = overwrite ? kill.replaced : kill.appended;
      const isUnpublished = when !== "between the rename and its deletions";
      expect(readdirSync(join(made.data, FOLDER)).filter(isPending)).toHaveLength(isUnpublished ? 1 : 0);
      {
        await using storage = await openStorage(made.data);
        expect(await numbersIn(storage, made.folder)).toEqual([wanted, wanted]);
      }

      expect(await made.call(["migrate"])).toMatchObject({ exitCode: 0 });
      expect(await made.call(["verify"])).toMatchObject({ exitCode: 0 });
      const doctor = await made.call(["doctor"]);
      if (isUnpublished) {
        expect(doctor.stdout).toContain("partitions: unfinished writes");
        expect(doctor.stdout.replace(/\s+/g, " ")).toContain("parquetry repair --from");
      } else expect(doctor.stdout).not.toContain("unfinished writes");

      await using bucket = await openBucket(made);
      expect((await bucket.listFiles(FOLDER)).filter(isPending)).toHaveLength(isUnpublished ? 1 : 0);
      expect(await numbersIn(bucket, made.folder)).toEqual([wanted, wanted]);
      // An append publishes a committed file and keeps its rows.
      await bucket.write(ENTITY, [{ n: 4 }], PLACE, { overwrite: false });
      expect(await numbersIn(bucket, made.folder)).toEqual([
        [...wanted, 4],
        [...wanted, 4],
      ]);
      const files = await bucket.listFiles(FOLDER);
      expect(files.filter(isPending)).toEqual([]);
      expect(files).toHaveLength(wanted.length + 2);
      expect((await bucket.repair(ENTITY)).removed).toEqual([]);
    },
    60_000,
  );
});

it("repair publishes in a bucket what a migration copied from a killed writer's disk, and a replacement removes it", async () => {
  await using made = await createWorld("r2");
  await killWriter(made.data, KILLS["between its commit and the rename"], true);
  for (const tidy of ["repair", "write"] as const) {
    await using bucket = await openBucket(made);
    await bucket.delete(await bucket.listFiles("raw"));
    expect(await made.call(["migrate"])).toMatchObject({ exitCode: 0 });
    if (tidy === "repair") expect((await bucket.repair(ENTITY)).published).toEqual([FOLDER]);
    else await bucket.write(ENTITY, [{ n: 3 }], PLACE);
    expect((await bucket.listFiles(FOLDER)).map((path) => path.replace(/[0-9a-f]{32}/, "…"))).toEqual([
      `${FOLDER}/_manifest.json`,
      `${FOLDER}/part-….parquet`,
    ]);
    expect(await numbersIn(bucket, made.folder)).toEqual([[3], [3]]);
  }
}, 60_000);
