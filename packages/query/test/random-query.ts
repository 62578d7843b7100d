/** A random source that returns the same numbers for the same seed. */
export function randomSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A query and its parameters. */
export interface RandomQuery {
  readonly sql: string;
  readonly parameters: Record<string, string | number | bigint | null | number[]>;
}

/** The tables of {@link randomQuery}, with the kind of each key. */
export const FUZZ_TABLES = {
  "raw/plays": { year: "integer", week: "integer", team: "text" },
  "raw/games": { year: "integer", team: "text" },
  teams: {},
} as const;

type TableName = keyof typeof FUZZ_TABLES;

const YEARS = [2021, 2022, 2023, 2024, 1999];
const WEEKS = [1, 2, 3, 10, 77];
export const TEAMS = [
  "Texas A&M",
  "Hawai'i",
  "Miami (OH)",
  "San José State",
  "100% sure",
  "a=b",
  "null",
  "01",
];

/** Makes a query over the fuzz tables: joins, subqueries, CTEs, unions, windows, with predicates mostly on partition keys. */
export function randomQuery(random: () => number): RandomQuery {
  const parameters: RandomQuery["parameters"] = {};
  let aliases = 0;
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const chance = (share: number): boolean => random() < share;
  const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
  const parameter = (value: RandomQuery["parameters"][string]): string => {
    const name = `p${Object.keys(parameters).length}`;
    parameters[name] = value;
    return `$${name}`;
  };
  const integer = (key: string): string => {
    const value = pick(key === "year" ? YEARS : WEEKS);
    if (chance(0.2)) return parameter(chance(0.3) ? BigInt(value) : value);
    return chance(0.1) ? `'${value}'` : String(value);
  };
  const word = (): string => {
    const value = pick(TEAMS);
    return chance(0.25) ? parameter(value) : text(value);
  };

  const keyPredicate = (alias: string, key: string, kind: string): string => {
    const column = `${alias}.${key}`;
    const value = (): string => (kind === "integer" ? integer(key) : word());
    switch (Math.floor(random() * 17)) {
      case 0:
      case 1:
      case 2:
        return `${column} = ${value()}`;
      case 3:
        return `${column} IN (${value()}, ${value()})`;
      case 4:
        return `${column} NOT IN (${value()}, ${value()})`;
      case 5:
        return `${column} BETWEEN ${value()} AND ${value()}`;
      case 6:
        return `${column} ${pick(["<", ">", "<=", ">=", "<>", "!="])} ${value()}`;
      case 7:
        return `${column} IS ${pick(["", "NOT "])}NULL`;
      case 8:
        return `${column} IS ${pick(["", "NOT "])}DISTINCT FROM ${pick([value(), "NULL"])}`;
      case 9:
        return kind === "integer"
          ? `${column} % 2 = ${pick([0, 1])}`
          : `${column} LIKE ${text(pick(["%a%", "M%", "_1", "%(%"]))}`;
      case 10:
        return kind === "integer" ? `abs(${column} - 2022) <= 1` : `lower(${column}) = lower(${value()})`;
      case 11:
        return `coalesce(${column}, ${value()}) = ${value()}`;
      case 12:
        return `CASE WHEN ${column} = ${value()} THEN true ELSE ${alias}.n > 3 END`;
      case 13:
        return `CAST(${column} AS VARCHAR) = CAST(${value()} AS VARCHAR)`;
      case 14:
        return `${column} IN (SELECT t${++aliases}.${key} FROM ${key === "week" ? '"raw/plays"' : '"raw/games"'} t${aliases} WHERE t${aliases}.n > 2 AND ${chance(0.5) ? `t${aliases}.year = ${integer("year")}` : "true"})`;
      case 15:
        return kind === "integer"
          ? `list_contains(${parameter([pick(YEARS), pick(WEEKS)])}, ${column})`
          : `length(${column}) > ${pick([4, 7, 9])}`;
      default:
        return `${column} = (SELECT max(t${++aliases}.${key}) FROM ${key === "week" ? '"raw/plays"' : '"raw/games"'} t${aliases})`;
    }
  };

  const atom = (alias: string, table: TableName): string => {
    const keys = Object.entries(FUZZ_TABLES[table]);
    if (keys.length === 0 || chance(0.15)) return `${alias}.n ${pick(["<", ">", "="])} ${pick([1, 3, 5])}`;
    const [key, kind] = pick(keys);
    return keyPredicate(alias, key, kind);
  };
  const predicate = (alias: string, table: TableName, depth = 0): string => {
    if (depth > 2 || chance(0.45)) return atom(alias, table);
    if (chance(0.15)) return `NOT (${predicate(alias, table, depth + 1)})`;
    const operator = pick(["AND", "AND", "OR"]);
    return `(${predicate(alias, table, depth + 1)} ${operator} ${predicate(alias, table, depth + 1)})`;
  };

  const tables: readonly TableName[] = ["raw/plays", "raw/plays", "raw/games", "teams"];
  const partitioned: readonly TableName[] = ["raw/plays", "raw/plays", "raw/games"];
  const named = (table: TableName): string => (table === "raw/plays" && chance(0.5) ? "plays" : `"${table}"`);

  const simple = (): string => {
    const table = pick(partitioned);
    const alias = `a${++aliases}`;
    const where = chance(0.9) ? ` WHERE ${predicate(alias, table)}` : "";
    return `SELECT ${alias}.year, ${alias}.team, ${alias}.n FROM ${named(table)} ${alias}${where}`;
  };

  const join = (): string => {
    const [left, right] = [pick(partitioned), pick(tables)];
    const [a, b] = [`a${++aliases}`, `b${++aliases}`];
    const kind = pick([
      "JOIN",
      "LEFT JOIN",
      "RIGHT JOIN",
      "FULL JOIN",
      "SEMI JOIN",
      "ANTI JOIN",
      "CROSS JOIN",
    ]);
    const onlyLeft = kind === "SEMI JOIN" || kind === "ANTI JOIN";
    const links =
      right === "teams"
        ? [`${a}.team = ${b}.name`]
        : [`${a}.year = ${b}.year`, `${a}.team = ${b}.team`, `${a}.n = ${b}.n`];
    const on =
      kind === "CROSS JOIN"
        ? ""
        : ` ON ${pick(links)}${chance(0.4) ? ` AND ${predicate(a, left)}` : ""}${chance(0.3) ? ` AND ${predicate(b, right)}` : ""}`;
    const where = [predicate(a, left), ...(onlyLeft || chance(0.5) ? [] : [predicate(b, right)])];
    if (kind === "CROSS JOIN") where.push(pick(links));
    const columns = `${a}.year AS y, ${a}.n AS n${onlyLeft ? "" : `, ${b}.n AS m`}`;
    return `SELECT ${columns} FROM ${named(left)} ${a} ${kind} ${named(right)} ${b}${on}${chance(0.8) ? ` WHERE ${where.join(" AND ")}` : ""}`;
  };

  const using = (): string =>
    `SELECT year, count(*) AS c FROM plays JOIN "raw/games" g USING (${pick(["year", "year, team"])}) WHERE year ${pick(["=", "<", ">="])} ${integer("year")} GROUP BY year`;

  const exists = (): string => {
    const table = pick(partitioned);
    const [a, b] = [`a${++aliases}`, `b${++aliases}`];
    return `SELECT ${a}.year, ${a}.n FROM ${named(table)} ${a} WHERE ${predicate(a, table)} AND ${pick(["", "NOT "])}EXISTS (SELECT 1 FROM "raw/games" ${b} WHERE ${b}.year = ${a}.year AND ${predicate(b, "raw/games")})`;
  };

  const window = (): string => {
    const table = pick(partitioned);
    const a = `a${++aliases}`;
    return `SELECT ${a}.year, ${a}.team, ${a}.n, sum(${a}.n) OVER (PARTITION BY ${a}.${pick(["year", "team"])}) AS s FROM ${named(table)} ${a} WHERE ${predicate(a, table)}${chance(0.4) ? ` QUALIFY ${a}.year ${pick(["=", ">"])} ${integer("year")}` : ""}`;
  };

  const aggregate = (): string => {
    const table = pick(partitioned);
    const a = `a${++aliases}`;
    return `SELECT ${a}.year, count(*) AS c, sum(${a}.n) AS s FROM ${named(table)} ${a} WHERE ${predicate(a, table)} GROUP BY ${a}.year HAVING ${pick([`${a}.year > ${integer("year")}`, "count(*) > 2", `max(${a}.n) > 1`])}`;
  };

  const leaf = (): string => pick([simple, simple, join, join, exists, window, aggregate, using])();
  const wrapped = (): string => {
    switch (Math.floor(random() * 8)) {
      case 0: {
        const name = `c${++aliases}`;
        return `WITH ${name} AS ${pick(["", "MATERIALIZED ", "NOT MATERIALIZED "])}(${simple()}) SELECT x.year, y.n FROM ${name} x JOIN ${name} y ON x.year = y.year AND x.n = y.n WHERE x.year ${pick(["=", "<>", ">"])} ${integer("year")}`;
      }
      case 1:
        return `SELECT * FROM (${simple()} UNION ALL ${simple()}) u WHERE u.year ${pick(["=", "<", ">"])} ${integer("year")}`;
      case 2:
        return `(${simple()}) ${pick(["UNION", "EXCEPT", "INTERSECT", "UNION ALL"])} (${simple()})`;
      case 3:
        return `SELECT y, n FROM (SELECT year AS y, n FROM (${simple()}) s) s2 WHERE y = ${integer("year")} OR n > 4`;
      case 4:
        return `SELECT s.year, s.team, s.n FROM (${simple()}) s ORDER BY s.year NULLS LAST, s.team NULLS LAST, s.n LIMIT ${pick([0, 1, 5, 20])}`;
      default:
        return leaf();
    }
  };
  const sql = wrapped();
  // Some were made for a branch that was not taken.
  const used = Object.entries(parameters).filter(([name]) => new RegExp(`\\$${name}\\b`).test(sql));
  return { sql, parameters: Object.fromEntries(used) };
}
