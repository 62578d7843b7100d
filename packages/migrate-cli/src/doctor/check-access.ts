import { randomBytes } from "node:crypto";
import {
  isStorageError,
  type Key,
  parseKey,
  type StorageBackend,
  StorageError,
} from "@parquetry/core/backend";
import { isRemote } from "../cost/provider.ts";
import { formatFiles } from "../terminal/format-amount.ts";
import type { Check } from "./check.ts";

/** What every probe object's name starts with; it is removed again, and its ending marks it as temporary. */
export const PROBE_PREFIX = "parquetry-doctor-probe-";

/** Causes that stand in the way of everything: told once. */
const SHARED_CAUSES: readonly string[] = ["unauthenticated", "not_found", "unavailable", "timeout"];

/**
 * Checks that a store can be listed, written, read and cleaned, by one small object under a temporary name that it
 * removes again. Where a store is only read from, that nothing may be written is a warning.
 *
 * @param name what to call the store: `target`, `data root`.
 * @example
 * ```ts
 * for (const { name, status } of await checkAccess(bucket, "bucket")) console.log(name, status);
 * ```
 */
export async function checkAccess(
  backend: StorageBackend,
  name: string,
  options: { readonly signal?: AbortSignal | undefined; readonly isOnlyRead?: boolean | undefined } = {},
): Promise<readonly Check[]> {
  const { signal, isOnlyRead = false } = options;
  const checks: Check[] = [];
  /** Why the first check failed that the others depend on. */
  let shared: string | undefined;
  const attempt = async (what: string, run: () => Promise<string>): Promise<boolean> => {
    try {
      checks.push({ name: `${name}: ${what}`, status: "ok", detail: await run() });
      return true;
    } catch (error) {
      if (!isStorageError(error) || error.code === "aborted") throw error;
      const isHarmless = isOnlyRead && what === "write" && error.code === "permission_denied";
      checks.push({
        name: `${name}: ${what}`,
        status: isHarmless ? "warn" : "fail",
        detail: error.message,
        remedy: isHarmless ? "A migration from here only reads." : remedyFor(error.code, backend),
      });
      if (SHARED_CAUSES.includes(error.code)) shared ??= `${what} fails for a reason that it shares`;
      return false;
    }
  };
  const skip = (what: string, why: string): void => {
    checks.push({ name: `${name}: ${what}`, status: "skip", detail: why });
  };

  const key = parseKey(`${PROBE_PREFIX}${randomBytes(8).toString("hex")}.tmp`);
  const bytes = randomBytes(64);
  const listed = await attempt("list", async () => {
    for await (const { objects } of backend.list({ signal, delimiter: "/", onUnreadable: () => {} })) {
      return `${backend.url()} answers, ${objects.length === 0 ? "no file" : formatFiles(objects.length)} at the top`;
    }
    return `${backend.url()} answers and is empty`;
  });
  const written =
    shared === undefined &&
    (await attempt("write", async () => {
      await backend.put(key, bytes, { ifNoneMatch: "*", signal });
      return `wrote ${key}`;
    }));
  if (written) {
    await attempt("read", async () => {
      const { body } = await backend.get(key, { signal });
      if (Buffer.from(await body.bytes()).equals(bytes)) return "the same bytes came back";
      throw new StorageError({
        code: "corrupt",
        op: "get",
        path: key,
        backend: backend.name,
        message: `get ${backend.url(key)}: other bytes came back than were written a moment ago.`,
      });
    });
    if (isRemote(backend)) checks.push(await checkClock(backend, key, name, signal));
    await attempt("delete", async () => {
      for await (const { error } of backend.delete([key], { signal })) if (error !== undefined) throw error;
      return "the probe is gone again";
    });
  } else {
    if (shared !== undefined && !listed) skip("write", shared);
    for (const what of ["read", "delete"]) skip(what, shared ?? "nothing could be written");
  }
  return checks;
}

/** The store stamps what it stores: that is its clock, at the cost of one HEAD. Signatures fail beyond 15 minutes. */
async function checkClock(
  backend: StorageBackend,
  key: Key,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Check> {
  const check = `${name}: clock`;
  try {
    const { lastModified } = await backend.head(key, { signal });
    const skewSeconds = Math.round((Date.now() - lastModified.getTime()) / 1000);
    const detail =
      Math.abs(skewSeconds) < 2 ? "in step with this machine's" : `${Math.abs(skewSeconds)} s apart`;
    if (Math.abs(skewSeconds) <= 60) return { name: check, status: "ok", detail };
    return {
      name: check,
      status: "warn",
      detail,
      remedy: "Set this machine's clock (NTP): signatures fail when it is 15 minutes off.",
    };
  } catch (error) {
    if (!isStorageError(error) || error.code === "aborted") throw error;
    return { name: check, status: "skip", detail: error.message };
  }
}

function remedyFor(code: string, backend: StorageBackend): string | undefined {
  return (isRemote(backend) ? REMOTE_REMEDIES : LOCAL_REMEDIES)[code];
}

const REMOTE_REMEDIES: Readonly<Record<string, string>> = {
  unauthenticated: "Check the access key and the secret key; on R2, make a new S3 token in the dashboard.",
  permission_denied:
    "Give these credentials read, write, list and delete on the bucket (R2: Object Read & Write).",
  not_found: "Create the bucket, or correct its name.",
  unavailable: "Check the endpoint, the network and the account id.",
  timeout: "Check the endpoint and the network.",
};

const LOCAL_REMEDIES: Readonly<Record<string, string>> = {
  permission_denied: "Let this user read and write there: check the owner, the mode and how it is mounted.",
  unavailable: "Check that the drive is there, and has room.",
};
