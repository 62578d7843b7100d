// Calls every function that the entry points of the packages export, and every method of what these return, with wrong arguments
// in every place, and reports each call that does anything but fail with a StorageError that names the argument.
// Usage: node program.mjs FOLDER MODULE…; a MODULE is the path of a built entry point.
// WRONG_KINDS=3 tries that many kinds of wrong values in each place, drawn by WRONG_SEED; without it, every kind. ONLY=REGEXP
// restricts the run to exports of that name.
import { readdirSync, readlinkSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isStorageError } from "../../packages/core/dist/index.js";
import { randomFrom } from "../../soak/attack/support/random.mjs";
import { attempt, closeResult } from "./attempt.mjs";
import { EMPTY, EXEMPT, isNamed, SLOW } from "./expectations.mjs";
import { optionNames, parameterNames, placesIn, UNKNOWN_OPTION, valueAt, withValueAt } from "./places.mjs";
import { OPTIONS, OTHER_SUBJECTS, recipeOf } from "./recipes.mjs";
import { WRONG_VALUES } from "./values.mjs";
import { World } from "./world.mjs";

const [folder, ...modules] = process.argv.slice(2);
const report = { calls: 0, functions: [], violations: [], accepted: {} };
/** The call that is being made, to which an unhandled rejection belongs. */
let current = "nothing yet";
const violate = (kind, what, detail) =>
  report.violations.push({ kind, what, detail: `${detail ?? ""}`.slice(0, 400) });
// The last call, should this process hang or be killed.
process.on("SIGTERM", () => {
  console.log(JSON.stringify({ hung: current }));
  process.exit(3);
});

const exported = {};
for (const module of modules) Object.assign(exported, await import(pathToFileURL(resolve(module)).href));
const world = new World(folder);
await world.open();
// Not before: what fails above is a fault of this program.
process.on("unhandledRejection", (error) => violate("unhandled rejection", current, describe(error)));
process.on("uncaughtException", (error) => violate("uncaught exception", current, describe(error)));

/** An error as text; its parts may be the caller's objects, which throw. */
function describe(error) {
  try {
    return error instanceof Error
      ? `${error.stack?.split("\n").slice(0, 4).join(" ")}`
      : `not an Error: ${typeof error}`;
  } catch {
    return "an error that cannot be shown";
  }
}

const random = randomFrom(Number(process.env.WRONG_SEED ?? 1));
const kindCount = Number(process.env.WRONG_KINDS ?? Number.POSITIVE_INFINITY);

/** The kinds of wrong values to try in one place. */
function kindsToTry() {
  const kinds = Object.entries(WRONG_VALUES);
  while (kinds.length > kindCount) kinds.splice(random.below(kinds.length), 1);
  return kinds;
}

const isClass = (value) => /^class\b/.test(Function.prototype.toString.call(value));
const isNative = (value) => /\[native code\]\s*\}$/.test(Function.prototype.toString.call(value));

/** Names of the methods of an object that our code defines. */
function methodsOf(value) {
  const names = new Set();
  for (let at = value; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    if (at !== value && (typeof at.constructor !== "function" || isNative(at.constructor))) break;
    for (const name of Object.getOwnPropertyNames(at)) {
      const { value: member } = Object.getOwnPropertyDescriptor(at, name);
      if (name !== "constructor" && typeof member === "function" && !isClass(member) && !isNative(member))
        names.add(name);
    }
  }
  return [...names];
}

const isObject = (value) =>
  typeof value === "object" && value !== null && !(value instanceof Error) && !ArrayBuffer.isView(value);

const inBucket = (path) => /S3|R2|\(s3\)/.test(path);

/** Calls one function with every wrong argument. `subject` makes the object whose method it is. */
async function attack(path, fn, subjectOf) {
  report.functions.push(path);
  const exempt = EXEMPT.find(({ calls }) => calls.test(path));
  if (exempt !== undefined && exempt.skip === true) return;
  const recipe = recipeOf(path, await subjectOf?.());
  const makeArgs = async () => (await recipe?.(world, exported)) ?? [];
  const bucket = inBucket(path);
  const make = async (args) => {
    const subject = await subjectOf?.();
    return () => {
      if (subject !== undefined) return subject[path.slice(path.lastIndexOf(".") + 1)](...args);
      return isClass(fn) ? new fn(...args) : fn(...args);
    };
  };

  current = `${path} with valid arguments`;
  const valid = await attempt(await make(await makeArgs()));
  if (recipe !== undefined && "error" in valid && !(EMPTY.test(path) && valid.error.code === "not_found"))
    violate("valid call fails", path, describe(valid.error));
  if (valid.hung) violate("hangs", path);
  const isAsync = valid.isAsync === true;
  await after(path, valid, bucket);

  const parameters = parameterNames(fn);
  const args = await makeArgs();
  const count = Math.max(args.length, parameters.length, recipe === undefined ? 2 : 0);
  while (args.length < count) args.push(undefined);
  const places = new Map(placesIn(args).map((place) => [place.join("."), { place, base: undefined }]));
  // Options by the names that the refusal of an unknown one lists.
  const explore = async (place, base) => {
    const probe = withValueAt(base ?? (await makeArgs()), place, {
      ...(valueAt(base ?? (await makeArgs()), place) ?? {}),
      [UNKNOWN_OPTION]: 1,
    });
    current = `${path}(${place.join(".")}: {${UNKNOWN_OPTION}: 1})`;
    const outcome = await attempt(await make(probe));
    await after(path, outcome, bucket);
    if (!isStorageError(outcome.error)) {
      const name = place.length === 1 ? parameters[place[0]] : place.at(-1);
      if (exempt === undefined && /options|limits|policy/i.test(`${name}`))
        violate("unknown option accepted", current, describe(outcome.error));
      return;
    }
    for (const name of optionNames(outcome.error.message)) {
      const inner = [...place, name];
      if (!places.has(inner.join("."))) places.set(inner.join("."), { place: inner, base: undefined });
      const example = OPTIONS[name]?.(path);
      if (example === undefined || base !== undefined) continue;
      const filled = withValueAt(await makeArgs(), inner, example);
      for (const nested of placesIn([example]).map(([, ...rest]) => [...inner, ...rest])) {
        if (!places.has(nested.join("."))) places.set(nested.join("."), { place: nested, base: filled });
      }
      if (typeof example === "object" && !Array.isArray(example)) await explore(inner, filled);
    }
  };
  for (const [index, value] of args.entries())
    if (value === undefined || (isObject(value) && Object.getPrototypeOf(value) === Object.prototype))
      await explore([index]);

  for (const { place, base } of places.values()) {
    const label = `${path}(${place.map((step, i) => (i === 0 ? (parameters[step] ?? step) : step)).join(".")})`;
    for (const [kind, makeValue] of kindsToTry()) {
      current = `${label} = ${kind}`;
      if (SLOW.some(({ trials }) => trials.test(current))) continue;
      const wrong = withValueAt(base ?? (await makeArgs()), place, makeValue());
      const call = await make(wrong);
      // Changes made while the object of the call was created are not the call's fault.
      if (isFresh) await world.accept({ bucket });
      isFresh = false;
      const outcome = await attempt(call);
      report.calls++;
      judge({ path, label: current, kind, place, parameters, outcome, isAsync, exempt });
      if (outcome.hung !== true && !("error" in outcome)) {
        report.accepted[label] ??= [];
        report.accepted[label].push(kind);
      }
      const intact = await after(path, outcome, bucket);
      if (!intact && "error" in outcome) violate("changes data and fails", current);
    }
  }
  await forget();
}

function judge({ path, label, place, parameters, outcome, isAsync, exempt }) {
  if (outcome.hung) violate("hangs", label);
  if (!("error" in outcome)) return;
  const { error, sync } = outcome;
  if (!isStorageError(error)) {
    if (exempt === undefined || exempt.throws === true || exempt.anyOption === true)
      violate("untyped", label, describe(error));
    return;
  }
  if (sync && isAsync && exempt?.throws !== true) violate("throws instead of rejecting", label);
  const names = place
    .map((step, i) => (i === 0 ? parameters[step] : step))
    .filter((name) => typeof name === "string");
  if (!isNamed(error, names, path)) violate("does not name the argument", label, error.message);
}

/** Objects whose methods are called, by their path. */
const subjects = new Map();
/** Whether one has been made since the data was last compared. */
let isFresh = false;

async function forget() {
  for (const [, value] of subjects) await attempt(() => closeResult(value));
  subjects.clear();
}

/** Closes what a call opened, and restores the data if it has changed. Returns whether it was intact. */
async function after(path, outcome, bucket) {
  if ("value" in outcome) await attempt(() => closeResult(outcome.value));
  if (/\.(?:close|cancel|bytes|finish)$/.test(path)) await forget();
  // Unhandled rejections are reported before the next turn.
  await new Promise((resolve) => setImmediate(resolve));
  if (await world.isIntact({ bucket })) return true;
  await world.restore({ bucket });
  await forget();
  return false;
}

/** Calls the methods of what a call returns, and of the objects in it. */
async function attackResult(path, make, depth = 0) {
  const cached = async () => {
    if (!subjects.has(path)) {
      subjects.set(path, await make());
      isFresh = true;
    }
    return subjects.get(path);
  };
  const value = await cached();
  // The steps of an iteration are not ours.
  if (!isObject(value) || depth > 3 || typeof value[Symbol.asyncIterator] === "function") {
    if (typeof value?.close !== "function" && typeof value?.cancel !== "function") return;
  }
  for (const method of methodsOf(value)) await attackCall(`${path}.${method}`, value[method], cached, depth);
  for (const [name, inner] of Object.entries(value)) {
    if (isObject(inner) && !Array.isArray(inner) && inner !== world.memory)
      await attackResult(`${path}.${name}`, async () => (await cached())?.[name], depth + 1);
  }
}

const seen = new Set();

async function attackCall(path, fn, subjectOf, depth = 0) {
  if (EXEMPT.some(({ calls, skip }) => skip === true && calls.test(path))) {
    report.functions.push(path);
    return;
  }
  await attack(path, fn, subjectOf);
  const recipe = recipeOf(path, await subjectOf?.());
  const args = async () => (await recipe?.(world, exported)) ?? [];
  const method = path.slice(path.lastIndexOf(".") + 1);
  const make = async () => {
    const given = await args();
    if (subjectOf !== undefined) return (await subjectOf())[method](...given);
    return isClass(fn) ? new fn(...given) : fn(...given);
  };
  if (/\.(?:close|cancel)$/.test(path)) return;
  const outcome = await attempt(make);
  if (!isObject(outcome.value) || Array.isArray(outcome.value)) return;
  // A wrapper or a backend returned by a method of one is covered where it was made.
  await attempt(() => closeResult(outcome.value));
  await attackResult(`${path}()`, make, depth + 1);
}

/** Files that this process has open, sockets left out. */
function openFiles() {
  try {
    return readdirSync("/proc/self/fd")
      .map((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`);
        } catch {
          return "";
        }
      })
      .filter((target) => target.startsWith(folder));
  } catch {
    return [];
  }
}

async function main() {
  for (const [name, value] of Object.entries(exported)) {
    if (typeof value !== "function" || seen.has(value)) continue;
    seen.add(value);
    const only = process.env.ONLY;
    if (only !== undefined && !new RegExp(only).test(name)) continue;
    const startedAt = performance.now();
    if (isClass(value)) {
      for (const method of Object.getOwnPropertyNames(value)) {
        if (typeof value[method] === "function")
          await attackCall(`${name}.${method}`, value[method], () => value);
      }
    }
    await attackCall(name, value, undefined);
    await forget();
    const left = openFiles();
    if (left.length > 0) violate("leaves a handle open", name, left.join());
    console.error(`${name}: ${Math.round(performance.now() - startedAt)} ms, ${report.calls} calls so far`);
  }
  if (process.env.SUBJECTS !== "no") {
    for (const [path, make] of Object.entries(OTHER_SUBJECTS)) {
      if (
        exported[path.split("(")[0]] !== undefined &&
        (process.env.ONLY === undefined || new RegExp(process.env.ONLY).test(path))
      )
        await attackResult(path, () => make(world));
    }
  }
  await forget();
  await world.close();
  process.chdir(folder);
}

try {
  await main();
  console.log(JSON.stringify(report));
} catch (error) {
  console.log(JSON.stringify({ failed: describe(error), current }));
  process.exit(2);
}
