import { compareKeys } from "@parquetry/core/backend";

/** A number of files and their size. */
export interface Tally {
  /** The number of files. */
  readonly files: number;
  /** Their total size in bytes. */
  readonly bytes: number;
}

/** Tallies of several kinds. */
export type TallyRow<Kind extends string> = Readonly<Record<Kind, Tally>>;

/** Tallies of several kinds for each top-level folder. */
export interface TallyTable<Kind extends string> {
  /** Adds a file, or a folder whose name ends with `/`. */
  add(key: string, kind: Kind, sizeBytes: number): void;
  /** Returns the folders in key order; `.` is for the files of the root. */
  folders(): readonly { readonly folder: string; readonly row: TallyRow<Kind> }[];
  /** Returns the sum of all folders. */
  total(): TallyRow<Kind>;
}

/** Returns the top-level folder of a key; `.` for a file of the root. */
export function topFolder(key: string): string {
  const slash = key.indexOf("/");
  return slash < 0 ? "." : key.slice(0, slash);
}

/** Makes an empty {@link TallyTable}. */
export function createTallyTable<Kind extends string>(kinds: readonly Kind[]): TallyTable<Kind> {
  const rows = new Map<string, Map<Kind, Tally>>();
  const read = (row: ReadonlyMap<Kind, Tally>): TallyRow<Kind> => {
    const entries = kinds.map((kind): [Kind, Tally] => [kind, row.get(kind) ?? { files: 0, bytes: 0 }]);
    // The keys are exactly `kinds`; Object.fromEntries types them as strings.
    return Object.fromEntries(entries) as Record<Kind, Tally>;
  };
  const count = (row: Map<Kind, Tally>, kind: Kind, { files, bytes }: Tally): void => {
    const before = row.get(kind);
    row.set(kind, { files: (before?.files ?? 0) + files, bytes: (before?.bytes ?? 0) + bytes });
  };
  return {
    add(key, kind, sizeBytes) {
      const folder = topFolder(key);
      let row = rows.get(folder);
      if (row === undefined) {
        row = new Map();
        rows.set(folder, row);
      }
      count(row, kind, { files: 1, bytes: sizeBytes });
    },
    folders: () =>
      [...rows].sort(([a], [b]) => compareKeys(a, b)).map(([folder, row]) => ({ folder, row: read(row) })),
    total() {
      const sum = new Map<Kind, Tally>();
      for (const row of rows.values()) for (const [kind, tally] of row) count(sum, kind, tally);
      return read(sum);
    },
  };
}
