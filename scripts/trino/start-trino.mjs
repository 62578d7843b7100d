import { pbkdf2Sync, randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, run, start, until } from "../servers/process.mjs";
import { trinoFiles } from "./trino-files.mjs";

/** 30 s on an idle machine. */
const START_MS = 5 * 60_000;
/** The user of the https port. */
const USER = "ana";
const PASSWORD = "parquetry-test-password";

/**
 * Starts a Trino of one node on 127.0.0.1 that keeps everything but its program in `dir`. It is ready when this returns.
 *
 * `stores` has an S3 server for each catalog: `{ hive: { endpoint, region, credentials } }`. A catalog reads the server's buckets, and
 * this machine's files as `local:///absolute/path`. It allows `system.register_partition`, and its timestamps have microseconds; the
 * catalog `hive_strict` is the same with Trino's defaults. Over http, anyone may ask; over https, the user of `secure`, with a
 * certificate that `ca` signs. Large results are spooled to the `bucket` of the last server that has one.
 *
 * @throws DownloadError
 */
export async function startTrino(dir, stores) {
  const { java, home } = await trinoFiles();
  const [port, httpsPort] = [await freePort(), await freePort()];
  const path = (...names) => join(dir, ...names);
  await mkdir(path("etc", "catalog"), { recursive: true });
  await mkdir(path("metastore"));
  await writeCertificate(path);
  await writeFile(path("etc", "users"), `${USER}:${hashed(PASSWORD)}\n`);
  const files = {
    "config.properties": serverProperties({ path, home, port, httpsPort }),
    "password-authenticator.properties": {
      "password-authenticator.name": "file",
      "file.password-file": path("etc", "users"),
    },
    "log.properties": { "io.trino": "WARN", "io.airlift": "WARN" },
  };
  const spool = Object.values(stores).findLast(({ bucket }) => bucket !== undefined);
  if (spool !== undefined) {
    Object.assign(files["config.properties"], {
      "protocol.spooling.enabled": true,
      "protocol.spooling.shared-secret-key": randomBytes(32).toString("base64"),
    });
    files["spooling-manager.properties"] = {
      "spooling-manager.name": "filesystem",
      "fs.s3.enabled": true,
      "fs.location": `s3://${spool.bucket}/spooled/`,
      // Encryption by the client's key needs a store with https.
      "fs.segment.encryption": false,
      ...s3Properties(spool),
    };
  }
  for (const [name, s3] of Object.entries(stores)) {
    const defaults = catalogProperties(path("metastore"), s3);
    files[`catalog/${name}_strict.properties`] = defaults;
    files[`catalog/${name}.properties`] = {
      ...defaults,
      "hive.timestamp-precision": "MICROSECONDS",
      "hive.allow-register-partition-procedure": true,
    };
  }
  for (const [name, properties] of Object.entries(files)) {
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`);
    await writeFile(path("etc", name), lines.join(""), { mode: 0o600 });
  }
  const log = path("trino.log");
  const server = start(
    java,
    [
      ...JVM_OPTIONS,
      ...[
        `-Dconfig=${path("etc", "config.properties")}`,
        `-Dlog.levels-file=${path("etc", "log.properties")}`,
      ],
      ...["-cp", join(home, "lib", "*"), "io.trino.server.TrinoServer"],
    ],
    log,
    { cwd: dir },
  );
  const url = `http://127.0.0.1:${port}`;
  try {
    await until(
      "Trino",
      async () => {
        const { starting } = await (await fetch(`${url}/v1/info`)).json();
        if (starting) throw new Error("not ready yet");
      },
      server,
      START_MS,
    );
  } catch (error) {
    await server.stop();
    throw new Error(`${error.message}\n${(await readFile(log, "utf8")).slice(-4000)}`, { cause: error });
  }
  return {
    url,
    secure: { url: `https://localhost:${httpsPort}`, user: USER, password: PASSWORD },
    ca: path("etc", "certificate.pem"),
    spool,
    pid: server.pid,
    stop: () => server.stop(),
  };
}

const JVM_OPTIONS = [
  ...["-server", "-Xmx2G", "-XX:+UseG1GC", "-XX:G1HeapRegionSize=16M", "-XX:+ExitOnOutOfMemoryError"],
  ...["-XX:ReservedCodeCacheSize=256M", "-XX:PerMethodRecompilationCutoff=10000"],
  ...["-XX:PerBytecodeRecompilationCutoff=10000", "-XX:+EnableDynamicAgentLoading"],
  // A server that runs for minutes gains nothing from the second compiler.
  "-XX:TieredStopAtLevel=1",
  ...["--enable-native-access=ALL-UNNAMED", "-Djdk.attach.allowAttachSelf=true"],
  ...["-Djdk.nio.maxCachedBufferSize=2000000", "-Dfile.encoding=UTF-8"],
];

function serverProperties({ path, home, port, httpsPort }) {
  return {
    "node.environment": "test",
    "node.internal-address": "127.0.0.1",
    "node.bind-ip": "127.0.0.1",
    "plugin.dir": join(home, "plugin"),
    coordinator: true,
    "node-scheduler.include-coordinator": true,
    "discovery.uri": `http://127.0.0.1:${port}`,
    "catalog.config-dir": path("etc", "catalog"),
    "http-server.http.port": port,
    "http-server.https.enabled": true,
    "http-server.https.port": httpsPort,
    "http-server.https.keystore.path": path("etc", "server.pem"),
    "http-server.authentication.type": "PASSWORD",
    "http-server.authentication.allow-insecure-over-http": true,
    "password-authenticator.config-files": path("etc", "password-authenticator.properties"),
    "internal-communication.shared-secret": randomBytes(32).toString("hex"),
    "query.max-memory": "1GB",
    "query.max-memory-per-node": "1GB",
    "memory.heap-headroom-per-node": "400MB",
    "task.concurrency": 2,
    "web-ui.enabled": false,
  };
}

function catalogProperties(metastore, s3) {
  return {
    "connector.name": "hive",
    "hive.metastore": "file",
    "hive.metastore.catalog.dir": `local://${metastore}`,
    "fs.native-local.enabled": true,
    "local.location": "/",
    "fs.native-s3.enabled": true,
    ...s3Properties(s3),
  };
}

function s3Properties({ endpoint, region, credentials }) {
  return {
    "s3.endpoint": endpoint,
    "s3.region": region,
    "s3.path-style-access": true,
    "s3.aws-access-key": credentials.accessKeyId,
    "s3.aws-secret-key": credentials.secretAccessKey,
  };
}

/** A certificate for this machine, signed by itself. */
async function writeCertificate(path) {
  const [key, certificate] = [path("etc", "key.pem"), path("etc", "certificate.pem")];
  await run("openssl", [
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost"],
    ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
  ]);
  const both = `${await readFile(key, "utf8")}${await readFile(certificate, "utf8")}`;
  await writeFile(path("etc", "server.pem"), both, { mode: 0o600 });
}

/** A password as Trino's file of passwords has it: PBKDF2 with HMAC-SHA1. */
function hashed(password) {
  const [iterations, salt] = [10_000, randomBytes(16)];
  return [
    iterations,
    salt.toString("hex"),
    pbkdf2Sync(password, salt, iterations, 32, "sha1").toString("hex"),
  ].join(":");
}
