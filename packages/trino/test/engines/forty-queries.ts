/** Typical questions over the football tables, in SQL that DuckDB and Trino share, and ones for which a planner might prune too much. */
export const FORTY_QUERIES: readonly string[] = [
  // One partition, some, all, none.
  "SELECT count(*) AS n, sum(rush_yds) AS yards FROM plays WHERE year = 2019 AND week = 2",
  "SELECT count(*) AS n FROM plays",
  "SELECT week, count(*) AS n FROM plays WHERE year = 2020 GROUP BY week ORDER BY week",
  "SELECT year, week, count(*) AS n, avg(rush_yds) AS mean FROM plays WHERE week BETWEEN 2 AND 3 GROUP BY year, week ORDER BY year, week",
  "SELECT count(*) AS n FROM plays WHERE year = 1869",
  "SELECT max(game_id) AS g FROM plays WHERE year IN (2018, 2020) AND week = 1",
  "SELECT count(*) AS n FROM plays WHERE year <> 2019",
  "SELECT count(*) AS n FROM plays WHERE NOT (year = 2019 OR week > 2)",
  "SELECT count(*) AS n FROM plays WHERE year * 100 + week = 202001",
  "SELECT count(*) AS n FROM plays WHERE year % 2 = 0 AND week % 2 = 1",
  "SELECT count(*) AS n FROM plays WHERE (year = 2019 AND week = 1) OR (year = 2020 AND week = 2)",
  "SELECT count(*) AS n FROM plays WHERE CAST(year AS VARCHAR) LIKE '%19' AND week < 3",
  "SELECT count(*) AS n FROM plays WHERE game_id = (SELECT max(game_id) FROM plays WHERE year = 2020 AND week = 1)",
  "SELECT game_id, count(*) AS n FROM plays WHERE year = 2020 AND week = 1 GROUP BY game_id ORDER BY count(*) DESC, game_id LIMIT 3",
  "SELECT count(*) AS n FROM plays WHERE coalesce(week, 0) = 1 AND year >= 2020",
  // Columns of the files and keys together.
  "SELECT count(*) AS n FROM plays WHERE year = 2019 AND (week = 1 OR down = 4)",
  "SELECT count(*) AS n FROM plays WHERE week = period AND year = 2020",
  "SELECT period, count(*) AS n FROM plays WHERE down = 1 AND year = 2019 AND week <= 2 GROUP BY period ORDER BY period",
  "SELECT DISTINCT opponent FROM plays WHERE year = 2019 AND week = 1 ORDER BY opponent",
  "SELECT opponent, sum(rush_yds) AS yards FROM plays WHERE opponent IN ('Texas A&M', 'Hawai''i', 'Miami (OH)', 'San José State') AND week = 2 GROUP BY opponent ORDER BY opponent",
  // Joins of every kind.
  "SELECT count(*) AS n FROM plays p JOIN games g ON p.year = g.year AND p.week = g.week AND p.game_id = g.game_id WHERE g.year = 2019 AND p.week = 1",
  "SELECT g.home_team, count(*) AS n FROM games g JOIN plays p USING (year, week, game_id) WHERE year = 2020 AND week = 1 GROUP BY g.home_team ORDER BY g.home_team LIMIT 10",
  "SELECT count(*) AS n, count(p.game_id) AS found FROM games g LEFT JOIN plays p ON p.game_id = g.game_id AND p.year = 2019 AND p.week = 1 WHERE g.year = 2019",
  "SELECT count(*) AS n FROM games g LEFT JOIN plays p ON p.game_id = g.game_id AND p.year = 2020 WHERE g.year = 2020 AND p.year IS NULL",
  "SELECT count(*) AS n FROM games g FULL JOIN (SELECT game_id FROM plays WHERE year = 2020 AND week = 1) p ON g.game_id = p.game_id WHERE g.year = 2020 OR g.year IS NULL",
  "SELECT count(*) AS n FROM games g WHERE year = 2020 AND EXISTS (SELECT 1 FROM plays p WHERE p.game_id = g.game_id AND p.year = g.year AND p.week = 2)",
  "SELECT count(*) AS n FROM games WHERE year = 2019 AND game_id NOT IN (SELECT game_id FROM plays WHERE year = 2019)",
  "SELECT a.year, count(*) AS n FROM teams a JOIN teams b ON a.school = b.school AND a.year = b.year - 1 WHERE b.year = 2020 GROUP BY a.year",
  "SELECT t.conference, count(*) AS n FROM teams t WHERE t.year = 2019 AND (school, year) IN (SELECT home_team, year FROM games) GROUP BY t.conference ORDER BY t.conference",
  "SELECT count(*) AS n FROM teams t WHERE t.year = 2020 AND NOT EXISTS (SELECT 1 FROM games g WHERE g.home_team = t.school AND g.year = 2020)",
  // NULL partitions and texts as keys.
  "SELECT conference, division, count(*) AS n FROM teams WHERE year = 2020 GROUP BY conference, division ORDER BY conference, division",
  "SELECT count(*) AS n FROM teams WHERE division IS NULL AND year > 2018",
  "SELECT year, count(*) AS n FROM teams WHERE coalesce(division, 'none') = 'none' GROUP BY year ORDER BY year",
  "SELECT count(*) AS n FROM teams WHERE conference LIKE 'Big%' AND year BETWEEN 2019 AND 2020",
  // CTEs, unions, windows, grouping.
  "WITH late AS (SELECT year, week FROM plays WHERE week >= 3), one AS (SELECT week FROM late WHERE year = 2019) SELECT count(*) AS n, min(week) AS first FROM one",
  "SELECT year, n FROM (SELECT year, count(*) AS n FROM plays GROUP BY year) WHERE year = 2020",
  "SELECT count(*) AS n FROM (SELECT game_id FROM plays WHERE year = 2019 AND week = 1 UNION ALL SELECT game_id FROM games WHERE year = 2020 AND week = 2)",
  "SELECT * FROM (SELECT year, week, game_id, row_number() OVER (PARTITION BY year ORDER BY week, game_id) AS place FROM games) WHERE year = 2020 AND place <= 3 ORDER BY place",
  "SELECT year, week, count(*) AS n FROM games WHERE year >= 2019 GROUP BY ROLLUP (year, week) HAVING count(*) > 1 ORDER BY year, week",
  "SELECT game_id, home_team FROM games WHERE year = 2020 ORDER BY week DESC, game_id LIMIT 5",
];

/** Queries over keys whose names have capitals and whose values are NULL, composed, decomposed, and of other scripts. */
export const KEY_QUERIES: readonly string[] = [
  "SELECT * FROM stadiums ORDER BY Season, seats, City",
  "SELECT City, count(*) AS n, sum(seats) AS total FROM stadiums GROUP BY City ORDER BY total",
  "SELECT season, seats FROM stadiums WHERE city IS NULL ORDER BY seats",
  "SELECT seats FROM stadiums WHERE City = 'Montréal' AND SEASON = 2024",
  "SELECT seats FROM stadiums WHERE City = '東京'",
  "SELECT seats FROM stadiums WHERE City IN ('san josé', 'San José') ORDER BY seats",
  "SELECT seats FROM stadiums WHERE City > 'a' ORDER BY seats",
  "SELECT a.City, b.seats FROM stadiums a JOIN stadiums b ON a.City = b.City AND a.Season < b.Season ORDER BY b.seats, a.seats",
  "SELECT Season, count(City) AS n FROM stadiums WHERE coalesce(City, 'none') <> 'a=b/50%' GROUP BY Season ORDER BY Season",
];
