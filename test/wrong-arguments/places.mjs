/** An option whose name no call knows. */
export const UNKNOWN_OPTION = "noSuchOption";

/** The names of a function's parameters, from its source: `undefined` for one that is destructured. */
export function parameterNames(fn) {
  const source = Function.prototype.toString.call(fn);
  if (source.startsWith("class")) {
    const at = source.search(/\bconstructor\s*\(/);
    return at < 0 ? [] : splitParameters(source, source.indexOf("(", at));
  }
  const arrow = /^(?:async\s+)?([A-Za-z_$][\w$]*)\s*=>/.exec(source);
  return arrow ? [arrow[1]] : splitParameters(source, source.indexOf("("));
}

function splitParameters(source, open) {
  const parameters = [];
  let depth = 0;
  let current = "";
  for (const character of source.slice(open)) {
    if ("([{".includes(character)) depth++;
    if (")]}".includes(character)) depth--;
    if (depth === 0 || (depth === 1 && character === ",")) {
      if (current.slice(1).trim() !== "") parameters.push(current.slice(1).trim());
      current = ",";
      if (depth === 0) break;
    } else current += character;
  }
  return parameters.map((parameter) => /^(?:\.\.\.)?([A-Za-z_$][\w$]*)/.exec(parameter)?.[1]);
}

const isPlain = (value) =>
  typeof value === "object" &&
  value !== null &&
  Object.getPrototypeOf(value) === Object.prototype &&
  // A backend is one argument; its methods are those of whoever wrote it.
  !("capabilities" in value);

/** Every place inside valid arguments: each argument, each field of a plain object, the first element of an array. */
export function placesIn(args) {
  const places = [];
  const visit = (value, path) => {
    places.push(path);
    if (path.length > 5) return;
    if (isPlain(value)) for (const name of Object.keys(value)) visit(value[name], [...path, name]);
    else if (Array.isArray(value) && value.length > 0) visit(value[0], [...path, 0]);
  };
  args.forEach((value, index) => {
    visit(value, [index]);
  });
  return places;
}

export function valueAt(args, path) {
  return path.reduce((value, step) => value?.[step], args);
}

/** A copy of the arguments with another value in one place. */
export function withValueAt(args, [step, ...rest], value) {
  const copy = Array.isArray(args) ? [...args] : { ...args };
  copy[step] = rest.length === 0 ? value : withValueAt(args?.[step] ?? {}, rest, value);
  return copy;
}

/** The names of the options that a refusal of an unknown one lists. */
export function optionNames(message) {
  const [, list] = /Options are ([^.]+(?:\.\w+[^.]*)*)\.?$/.exec(message) ?? [];
  return list?.split(", ").map((name) => name.replace(/^.*\./, "")) ?? [];
}
