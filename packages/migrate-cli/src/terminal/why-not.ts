const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EEXIST: "a file is in its place",
  ENOTDIR: "a folder on its way is a file",
  EISDIR: "it is a folder",
  EACCES: "this user may not; check the owner and the mode",
  EPERM: "the system forbids it; check the owner and the mode",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
};

/** Why the file system refused something, for people who know what they asked for and where. */
export function whyNot(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return REASONS[code] ?? error.message;
}
