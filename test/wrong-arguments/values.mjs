class Instance {
  value = 1;
}

function cyclic() {
  const value = { name: "x" };
  value.self = value;
  return value;
}

function cyclicArray() {
  const value = [];
  value.push(value);
  return value;
}

const thrown = () => {
  throw new RangeError("thrown by the caller's own code");
};

/** An object whose every use runs code that throws. */
function throwingProxy() {
  const traps = ["get", "has", "ownKeys", "getPrototypeOf", "getOwnPropertyDescriptor", "set", "apply"];
  return new Proxy({}, Object.fromEntries(traps.map((trap) => [trap, thrown])));
}

/** A proxy of nothing: even `Array.isArray` throws on it. */
function revokedProxy() {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** Wrong arguments of every kind, created anew for each call. */
export const WRONG_VALUES = {
  undefined: () => undefined,
  null: () => null,
  true: () => true,
  0: () => 0,
  "-1": () => -1,
  1.5: () => 1.5,
  NaN: () => Number.NaN,
  Infinity: () => Number.POSITIVE_INFINITY,
  "1n": () => 1n,
  '""': () => "",
  '"x"': () => "x",
  "half a surrogate pair": () => "\ud800",
  symbol: () => Symbol("s"),
  "[]": () => [],
  "[undefined]": () => [undefined],
  "{}": () => ({}),
  function: () => () => {},
  Map: () => new Map([["a", 1]]),
  Set: () => new Set(["a"]),
  Date: () => new Date(0),
  "invalid Date": () => new Date(Number.NaN),
  Promise: () => Promise.resolve({}),
  Uint8Array: () => new Uint8Array(3),
  "class instance": () => new Instance(),
  "throwing getter": () => Object.defineProperty({}, "x", { enumerable: true, get: thrown }),
  "throwing toString": () => ({ toString: thrown, toJSON: thrown, [Symbol.toPrimitive]: thrown }),
  "throwing proxy": throwingProxy,
  "revoked proxy": revokedProxy,
  "cyclic object": cyclic,
  "cyclic array": cyclicArray,
  "object without prototype": () => Object.assign(Object.create(null), { a: 1 }),
};
