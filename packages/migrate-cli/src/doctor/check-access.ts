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

/** The prefix of every probe object. The object is deleted again, and its extension marks it as temporary. */
export const PROBE_PREFIX = "parquetry-doctor-probe-";

/** Failures that every further check would share; they are reported once. */
const SHARED_CAUSES: readonly string[] = ["unauthenticated", "not_found", "unavailable", "timeout"];

/**
 * Checks that a store can be listed, written to, read from and deleted from, by one small object that it deletes again. If a
 * store is only read from, missing write permission is a warning.
 *
 * @param name the store's name in the checks: `target`, `data root`.
 */
export async function checkAccess(
  backend: StorageBackend,
  name: string,
  options: { readonly signal?: AbortSignal | undefined; readonly isOnlyRead?: boolean | undefined } = {},
): Promise<readonly Check[]> {
  const { signal, isOnlyRead = false } = options;
  const checks: Check[] = [];
  /** Why the checks that depend on an earlier one are skipped. */
  let shared: string | undefined;
  const attempt = async (what: string, run: () => Promise<string>): Promise<boolean> => {
    try {
      checks.push({ name: `${name}: ${what}`, status: "ok", detail: await run() });
      return true;
    } catch (error) {
      if (!isStorageError(error) || error.code === "aborted" || signal?.aborted === true) throw error;
      const isHarmless = isOnlyRead && what === "write" && error.code === "permission_denied";
      checks.push({
        name: `${name}: ${what}`,
        status: isHarmless ? "warn" : "fail",
        detail: error.message,
        remedy: isHarmless ? "A migration from here only reads." : remedyFor(error.code, backend),
      });
      if (SHARED_CAUSES.includes(error.code))
        shared ??= `${what} failed, and it would fail for the same reason`;
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
      return `${backend.url()} answers${objects.length === 0 ? "" : `, with ${formatFiles(objects.length)} at the top`}`;
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
      if (Buffer.from(await body.bytes()).equals(bytes)) return "read back the same bytes";
      throw new StorageError({
        code: "corrupt",
        op: "get",
        path: key,
        backend: backend.name,
        message: `get ${backend.url(key)}: the bytes read differ from the bytes just written.`,
      });
    });
    if (isRemote(backend)) checks.push(await checkClock(backend, key, name, signal));
    await attempt("delete", async () => {
      for await (const { error } of backend.delete([key], { signal })) if (error !== undefined) throw error;
      return "deleted the probe";
    });
  } else {
    if (shared !== undefined && !listed) skip("write", shared);
    for (const what of ["read", "delete"]) skip(what, shared ?? "the probe was not written");
  }
  return checks;
}

/** Compares the probe's time with this machine's clock, by one HEAD. Signatures fail if the clocks are 15 minutes apart. */
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
      Math.abs(skewSeconds) < 2 ? "agrees with this machine's" : `${Math.abs(skewSeconds)} s apart`;
    if (Math.abs(skewSeconds) <= 60) return { name: check, status: "ok", detail };
    return {
      name: check,
      status: "warn",
      detail,
      remedy: "Set this machine's clock (NTP): signatures fail if it is 15 minutes off.",
    };
  } catch (error) {
    if (!isStorageError(error) || error.code === "aborted" || signal?.aborted === true) throw error;
    return { name: check, status: "skip", detail: error.message };
  }
}

function remedyFor(code: string, backend: StorageBackend): string | undefined {
  return (isRemote(backend) ? REMOTE_REMEDIES : LOCAL_REMEDIES)[code];
}

const REMOTE_REMEDIES: Readonly<Record<string, string>> = {
  unauthenticated: "Check the access key and the secret key; on R2, create a new S3 token in the dashboard.",
  permission_denied:
    "Give these credentials read, write, list and delete on the bucket (R2: Object Read & Write).",
  not_found:
    "Create the bucket, or correct its name. On R2, a bucket with a jurisdiction needs PARQUETRY_R2_JURISDICTION.",
  unavailable: "Check the endpoint, the network and the account id.",
  timeout: "Check the endpoint and the network.",
};

const LOCAL_REMEDIES: Readonly<Record<string, string>> = {
  permission_denied: "Let this user read and write there: check owner, mode and mount options.",
  unavailable: "Check that the drive is connected and not full.",
};
