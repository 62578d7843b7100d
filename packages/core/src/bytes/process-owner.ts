import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** The age from which a temporary file whose owner cannot be checked is abandoned, in milliseconds: a day. */
export const UNKNOWN_OWNER_AGE_MS = 86_400_000;

/** Whether the process that owns a temporary file runs. `unknown`: it is on another machine, or the name does not tell. */
export type OwnerState = "alive" | "dead" | "unknown";

const OWNER = /(?<![0-9a-f])([0-9a-f]{12})\.([0-9]{1,10})\.([0-9]{1,20})(?![0-9])/;
/** The start time in an owner where the system does not tell it. */
const NO_START = "0";

let self: { readonly machine: string; readonly start: string; readonly owner: string } | undefined;

/**
 * Returns the name of this process for the names of its temporary files: the machine since its boot, the process id and the
 * start time, as `0123456789ab.4711.86400`. No other process has the same, on any machine, even if it gets the same id.
 *
 * @example
 * ```ts
 * const folder = await mkdtemp(join(tmpdir(), `parquetry-query-${processOwner()}.`));
 * ```
 */
export function processOwner(): string {
  return thisProcess().owner;
}

/**
 * Returns whether the process runs whose {@link processOwner} is part of a name.
 *
 * @example
 * ```ts
 * ownerState("parquetry-query-0123456789ab.4711.86400.Xy12ab"); // "unknown": another machine
 * ```
 */
export function ownerState(name: string): OwnerState {
  const [, machine, id, start] = OWNER.exec(name) ?? [];
  if (machine === undefined || id === undefined || machine !== thisProcess().machine) return "unknown";
  const pid = Number(id);
  if (pid === 0) return "unknown";
  if (pid === process.pid && start === thisProcess().start) return start === NO_START ? "unknown" : "alive";
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, as another user.
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return "dead";
  }
  const now = lookUp(String(pid));
  if (now?.isZombie === true) return "dead";
  if (now === undefined || start === NO_START) return "unknown";
  // The system may have given the id to another process since.
  return now.start === start ? "alive" : "dead";
}

/**
 * Returns whether a temporary file or folder can be removed: its owner is dead, or cannot be checked and has not written to it
 * for a day.
 *
 * @param name a name that contains the {@link processOwner} of its owner.
 * @param lastWriteMs the time of its last change, in milliseconds since 1970.
 * @example
 * ```ts
 * if (isAbandoned(name, (await lstat(path)).mtimeMs)) await rm(path, { recursive: true, force: true });
 * ```
 */
export function isAbandoned(name: string, lastWriteMs: number): boolean {
  const state = ownerState(name);
  return state === "dead" || (state === "unknown" && Date.now() - lastWriteMs > UNKNOWN_OWNER_AGE_MS);
}

function thisProcess(): NonNullable<typeof self> {
  if (self !== undefined) return self;
  // Containers share the boot of their host, and may share its name, but a process id is valid in one PID namespace only.
  const identity = [hostname(), read("/proc/sys/kernel/random/boot_id")?.trim(), link("/proc/self/ns/pid")];
  const machine = createHash("sha256").update(identity.join("\0")).digest("hex").slice(0, 12);
  const start = lookUp("self")?.start ?? NO_START;
  self = { machine, start, owner: `${machine}.${process.pid}.${start}` };
  return self;
}

/** Returns what /proc tells about a process (proc(5)): its start, in clock ticks since boot. Undefined without /proc. */
function lookUp(id: string): { readonly start: string; readonly isZombie: boolean } | undefined {
  // In a container with the /proc of its host, process ids mean other processes.
  if (link("/proc/self") !== String(process.pid)) return undefined;
  const text = read(`/proc/${id}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { start: fields[19] ?? NO_START, isZombie: fields[0] === "Z" || fields[0] === "X" };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
