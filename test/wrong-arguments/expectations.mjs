/**
 * Calls to which the rule does not apply, each with the reason. `skip`: they are not made at all; otherwise they are made, and may
 * fail with another error (`throws`: only throw rather than reject; `anyOption`: only accept unknown options), but must neither hang nor change data.
 */
export const EXEMPT = [
  {
    calls: /^trino\(\)\.open\(\)\./,
    skip: true,
    reason: "only openQuery() calls the engine, and QueryDatabase has checked the arguments",
  },
  { calls: /^Partition(?:$|\()/, skip: true, reason: "the constructor is private" },
  {
    calls: /^openQuery\(\)\.arrow\(\)\.table\./,
    skip: true,
    reason: "the table is an object of @uwdata/flechette",
  },
  {
    calls: /^(?:StorageError|PartialWriteError|alreadyExists|preconditionFailed)(?:$|\W)/,
    reason: "makes an error, also where another error is being reported",
  },
  { calls: /^throwIfAborted$/, reason: "called in loops, with a signal that is checked already" },
  { calls: /^compareKeys$/, reason: "a comparator, called millions of times by sort()" },
  {
    calls: /^(?:openBody|objectBody|verifiedBody)$/,
    throws: true,
    reason: "opens the body at once and returns it; only its chunks come later",
  },
  {
    calls: /^bodyCheck$/,
    anyOption: true,
    reason: "is passed the options of a put, which are checked already",
  },
];

/** Other words for a parameter in a message. */
const ALIASES = {
  text: ["SQL"],
  path: ["key", "path"],
  from: ["key"],
  to: ["key"],
  entity: ["key"],
  options: [
    "option",
    "must be a plain object",
    "is missing",
    "are missing",
    "by must",
    "data root",
    "configuration",
  ],
  filters: ["the value of", "partition key"],
  prefix: ["key", "prefix"],
  subjects: ["subject", "there is no option"],
  names: ["entries"],
  entries: ["partition key"],
  parameters: ["Conversion Error"],
  sizeBytes: ["bytes"],
  usage: ["storedBytes"],
  uri: ["root"],
  PARQUETRY_DATA_ROOT: ["root"],
  by: ["column name"],
  include: ["pattern"],
  exclude: ["pattern"],
  removing: ["key"],
  rules: ["rule", "fault"],
};

/** Values that are valid in a place, where they take longer than anybody waits. */
export const SLOW = [{ trials: /bytesPerSecond\) = 1\.5$/, reason: "a limit of 1.5 bytes a second" }];

/** Backends without the objects that the valid arguments name. */
export const EMPTY = /^(?:createMemoryBackend|withAbilities)\(\)/;

/** Whether the message of an error names the argument: by its name, or for a value of the right kind, by the value. */
export function isNamed(error, names, _path) {
  const { message, code } = error;
  if (!["invalid_argument", "invalid_path"].includes(code)) return true;
  const words = names.flatMap((name) => [name, name.replace(/s$/, ""), ...(ALIASES[name] ?? [])]);
  if (message.includes("the caller's own code")) return true;
  return names.length === 0 || words.some((word) => message.toLowerCase().includes(word.toLowerCase()));
}
