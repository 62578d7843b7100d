const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  EEXIST: "a file of that name is in its place",
  ENOTDIR: "a part of its path is a file",
  EISDIR: "it is a folder",
  EACCES: "permission denied; check the owner and the mode",
  EPERM: "operation not permitted; check the owner and the mode",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
};

/** Why the file system refused an operation, in words. */
export function whyNot(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return REASONS[code] ?? error.message;
}
