import { foldName } from "./fold-name.ts";
import type { SqlNode } from "./sql-tree.ts";

/** One SQL statement, parsed, before any table is looked at. */
export interface Statement {
  /** The SQL to plan and to execute, with the parameters put in. */
  readonly text: string;
  /** True where it is known to be one SELECT. */
  readonly isSelect: boolean;
  /** The tables that it names, as written, without its own CTEs. */
  readonly tableNames: readonly string[];
  /** The lower-case names of all columns that it can need, including those of subqueries and rows. Absent: unknown. */
  readonly columnNames?: ReadonlySet<string> | undefined;
  /** The lower-case words in it: it cannot need a column whose name is not among them. Absent: it can need any. */
  readonly words?: ReadonlySet<string> | undefined;
  /**
   * Set where any rows of its only table answer it equally well: its LIMIT, or Infinity without one. Absent where it orders or
   * combines rows, or may.
   */
  readonly stopAfterRows?: number | undefined;
  /** Conditions that every row that matters to it fulfils. Absent where it is not simple enough to tell. */
  readonly conditions?: RowConditions | undefined;
}

/** The conditions of a statement that look at one table each. */
export interface RowConditions {
  readonly conditions: readonly RowCondition[];
  /** The lower-case columns by which the statement may choose rows in other ways. Absent: any. */
  readonly otherColumns?: ReadonlySet<string> | undefined;
}

/** A condition that every row of a table fulfils if it can matter to the statement. */
export interface RowCondition {
  /** The table, as the statement names it. */
  readonly table: string;
  /** The lower-case columns that the condition looks at. */
  readonly columns: readonly string[];
  /** The condition in SQL over these columns. */
  readonly sql: string;
  /** Intervals, one of which contains the value of the only column. Absent for other conditions. */
  readonly intervals?: readonly NumberInterval[] | undefined;
}

/** A condition whose SQL is still a parse tree. */
export type ParsedCondition = Omit<RowCondition, "sql"> & { readonly node: SqlNode };

/** {@link RowConditions} whose SQL is still a parse tree. */
export interface ParsedConditions extends Pick<RowConditions, "otherColumns"> {
  readonly conditions: readonly ParsedCondition[];
}

/** Numbers from one to another, both included; `null` is unbounded. */
export type NumberInterval = readonly [low: number | null, high: number | null];

/** False only where a statement cannot need a column of that name. */
export function mentionsColumn({ words }: Pick<Statement, "words">, column: string): boolean {
  return words === undefined || words.has(foldName(column));
}
