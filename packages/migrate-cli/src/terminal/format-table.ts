/**
 * Lays rows out in columns: the first one to the left, the others to the right, two spaces between. Where the table would
 * be wider than `width`, the first column is cut with `…`.
 *
 * @param width the most characters of a line. Default 80.
 * @example
 * ```ts
 * formatTable([["folder", "files"], ["raw", "5,300"]]); // ["folder  files", "raw     5,300"]
 * ```
 */
export function formatTable(rows: readonly (readonly string[])[], width = 80): readonly string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(0, ...rows.map((row) => textWidth(row[column] ?? ""))),
  );
  const rest = widths.slice(1).reduce((sum, column) => sum + column + 2, 0);
  widths[0] = Math.min(widths[0] ?? 0, Math.max(12, width - rest));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const size = widths[column] ?? 0;
        if (column > 0) return " ".repeat(size - textWidth(cell)) + cell;
        const cut = cutText(cell, size);
        return cut + " ".repeat(size - textWidth(cut));
      })
      .join("  ")
      .trimEnd(),
  );
}

/**
 * Cuts a text to a width, keeping its start and its end, which is where file names differ.
 *
 * @example
 * ```ts
 * cutText("processed/byplay", 10); // "proces…lay"
 * ```
 */
export function cutText(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text;
  const end = Math.floor((width - 1) / 3);
  return `${characters.slice(0, width - 1 - end).join("")}…${end > 0 ? characters.slice(-end).join("") : ""}`;
}

function textWidth(text: string): number {
  return [...text].length;
}
