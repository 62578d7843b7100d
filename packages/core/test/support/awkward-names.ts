/** Names of columns that readers tend to confuse or lose. */
export const AWKWARD_NAMES: readonly string[] = [
  ...["constructor", "toString", "valueOf", "hasOwnProperty", "prototype", "length", "then", "toJSON"],
  ...["1960", "0", "-1", "1.5", "a.b", "a", "b", "list", "element", "key", "key_value", "array", "c0", "c1"],
  ...[
    "\uFEFF",
    "\uFEFFid",
    "id",
    " ",
    "é",
    "\u{1f3c8}",
    "a/b",
    'a"b',
    "a'b",
    "a\\b",
    "a\nb",
    "a,b",
    "null",
    "x=y",
  ],
];
