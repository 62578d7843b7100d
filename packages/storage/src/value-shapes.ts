/** A text that was understood, or what is wrong with it. */
export type Understood<T> = { readonly value: T } | { readonly problem: string };

/** How the text of one variable is understood. Plain functions: a schema library takes longer to load than a command to start. */
export type ValueShape<T> = (text: string) => Understood<T>;

/** Any text. */
export const anyText: ValueShape<string> = (value) => ({ value });

/** A text without white space. */
export const unbrokenText: ValueShape<string> = matching(
  /^\S+$/,
  "holds white space; was it pasted with a line break?",
);

/** The name of a bucket. */
export const bucketName: ValueShape<string> = matching(
  /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
  "is no bucket name (3 to 63 lower-case letters, digits, dots and hyphens)",
);

/** An http or https URL; white space around it, and tabs and line breaks in it, mean nothing. */
export const webUrl: ValueShape<string> = (text) => {
  const url = text.trim();
  const isUrl = /^https?:\/\//i.test(url) && URL.canParse(url);
  return isUrl ? { value: url.replace(/[\t\n\r]/g, "") } : { problem: "is no http or https URL" };
};

const YES: ReadonlySet<string> = new Set(["true", "1", "yes", "on", "y", "enabled"]);
const NO: ReadonlySet<string> = new Set(["false", "0", "no", "off", "n", "disabled"]);

/** Yes or no, in one of the words for it. */
export const yesOrNo: ValueShape<boolean> = (text) => {
  const word = text.toLowerCase();
  if (YES.has(word)) return { value: true };
  return NO.has(word) ? { value: false } : { problem: "is neither true nor false" };
};

/** A folder inside a bucket; a slash at its end means nothing. */
export const keyPrefix: ValueShape<string> = (text) => {
  const value = text.replace(/\/$/, "");
  const isRelative = value.split("/").every((part) => part !== "" && part !== "." && part !== "..");
  return isRelative ? { value } : { problem: "is no relative path" };
};

/** One of a few words. */
export function oneOf<T extends string>(words: readonly T[], problem: string): ValueShape<T> {
  return (text) => {
    const value = words.find((word) => word === text);
    return value === undefined ? { problem } : { value };
  };
}

function matching(pattern: RegExp, problem: string): ValueShape<string> {
  return (value) => (pattern.test(value) ? { value } : { problem });
}
