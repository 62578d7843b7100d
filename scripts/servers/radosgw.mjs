import { randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, has, run, start, until } from "./process.mjs";

/**
 * Ceph's S3 gateway over a cluster of one monitor and one object store in memory: a second implementation of S3 that is used in
 * production.
 */
export const radosgw = {
  name: "radosgw",
  profile: "s3",
  need: "apt-get install --no-install-recommends radosgw ceph-mon ceph-osd ceph-common",

  async isAvailable() {
    const programs = [
      "radosgw",
      "radosgw-admin",
      "ceph-mon",
      "ceph-osd",
      "ceph",
      "monmaptool",
      "ceph-authtool",
    ];
    return (await Promise.all(programs.map((name) => has(name)))).every(Boolean);
  },

  async start(dir, { credentials }) {
    const port = await freePort();
    const address = `[v2:127.0.0.1:${await freePort()}/0,v1:127.0.0.1:${await freePort()}/0]`;
    const fsid = randomUUID();
    const path = (name) => join(dir, name);
    const conf = path("ceph.conf");
    for (const folder of ["mon", "osd", "run", "log", "crash"])
      await mkdir(path(folder), { recursive: true });
    await writeFile(conf, cephConf(dir, fsid, address, port));
    const ceph = (...args) => run("ceph", ["-c", conf, "--connect-timeout", "5", ...args]);

    const running = [];
    const stop = async () => {
      for (const server of running.reverse()) await server.stop();
    };
    try {
      await run("ceph-authtool", [
        "--create-keyring",
        path("keyring"),
        "--gen-key",
        "-n",
        "mon.",
        "--cap",
        "mon",
        "allow *",
      ]);
      await run("monmaptool", ["--create", "--fsid", fsid, "--addv", "a", address, path("monmap")]);
      await run("ceph-mon", [
        "-c",
        conf,
        "-i",
        "a",
        "--mkfs",
        "--monmap",
        path("monmap"),
        "--keyring",
        path("keyring"),
      ]);
      const background = (program, log, ...args) => {
        const server = start(program, ["-c", conf, ...args, "-f"], path(`log/${log}.out`));
        running.push(server);
        return server;
      };
      const monitor = background("ceph-mon", "mon", "-i", "a");
      await until("the monitor", () => ceph("mon", "stat"), monitor);

      const uuid = randomUUID();
      const id = (await ceph("osd", "create", uuid)).trim();
      await ceph("osd", "crush", "add", `osd.${id}`, "1.0", "root=default", "host=localhost");
      await run("ceph-osd", ["-c", conf, "-i", id, "--mkfs", "--osd-uuid", uuid]);
      const isUp = async () => {
        if (!(await ceph("osd", "stat")).includes("1 up")) throw new Error("not up yet");
      };
      await until("the object store", isUp, background("ceph-osd", "osd", "-i", id));

      await run("radosgw-admin", [
        ...["-c", conf, "-n", "client.rgw", "user", "create", "--uid=test", "--display-name=test"],
        `--access-key=${credentials.accessKeyId}`,
        `--secret-key=${credentials.secretAccessKey}`,
      ]);
      const endpoint = `http://127.0.0.1:${port}`;
      await until("radosgw", () => fetch(endpoint), background("radosgw", "radosgw", "-n", "client.rgw"));
      return { endpoint, stop };
    } catch (error) {
      await stop();
      throw error;
    }
  },
};

/** No authentication inside the cluster, one copy of everything in memory, and everything listens on 127.0.0.1 only. */
function cephConf(dir, fsid, address, port) {
  return `[global]
fsid = ${fsid}
mon host = ${address}
mon initial members = a
auth cluster required = none
auth service required = none
auth client required = none
public addr = 127.0.0.1
cluster addr = 127.0.0.1
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
run dir = ${dir}/run
admin socket = ${dir}/run/$name.asok
pid file = ${dir}/run/$name.pid
log file = ${dir}/log/$name.log
crash dir = ${dir}/crash
keyring = ${dir}/keyring
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 2000
mon osd full ratio = 0.99
mon data avail crit = 0
paxos propose interval = 0.02
paxos min wait = 0.01
[mon]
mon data = ${dir}/mon
[osd]
osd data = ${dir}/osd
osd objectstore = memstore
memstore device bytes = 4294967296
osd class load list = *
osd class default list = *
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw enable ops log = false
rgw dynamic resharding = false
rgw data = ${dir}/rgw
ms mon client mode = crc
`;
}
