/**
 * Calls to which the rule does not apply, each with the reason. `skip`: they are not made at all; otherwise they are made, and may
 * fail with another error, but must neither hang nor change data.
 */
export const EXEMPT = [
  {
    calls: /^(?:StorageError|ReplacePartitionsError|alreadyExists|preconditionFailed)(?:$|\W)/,
    reason: "makes an error, also where another error is being reported",
  },
  { calls: /^compareKeys$/, reason: "a comparator, called millions of times by sort()" },
];

/** Other words for a parameter in a message. */
const ALIASES = {
  text: ["SQL"],
  path: ["key", "path"],
  from: ["key"],
  to: ["key"],
  entity: ["key"],
  options: ["option", "must be a plain object", "is missing", "data root", "configuration"],
  filters: ["the value of", "partition key"],
  prefix: ["key", "prefix"],
  subjects: ["subject"],
  names: ["entries"],
};

/** Whether the message of an error names the argument: by its name, or for a value of the right kind, by the value. */
export function isNamed(error, names, _path) {
  const { message, code } = error;
  if (!["invalid_argument", "invalid_path"].includes(code)) return true;
  const words = names.flatMap((name) => [name, name.replace(/s$/, ""), ...(ALIASES[name] ?? [])]);
  return names.length === 0 || words.some((word) => message.toLowerCase().includes(word.toLowerCase()));
}
