/** What `parquetry COMMAND --help` ends with, by command: lines of at most 80 columns. */
export const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  doctor: ["parquetry doctor", "parquetry doctor --from /Volumes/drive --to r2://football"],
  inventory: ["parquetry inventory", "parquetry inventory r2://football --include raw/"],
  cost: ["parquetry cost", "parquetry cost /Volumes/drive"],
  plan: ["parquetry plan", "parquetry plan --where year=2024,week=1..4"],
  migrate: [
    "parquetry migrate                                   # to the configured bucket",
    "parquetry migrate --from /Volumes/drive --to r2://football --report report",
    "parquetry migrate --from r2://football --to ./data  # the way back",
  ],
  verify: [
    "parquetry verify                                    # by what listings prove",
    "parquetry verify --level sample:5%                  # reads one file in twenty",
    "parquetry verify --level full --report report       # reads everything, twice",
  ],
};
