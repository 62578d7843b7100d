"""
Asks the questions of bench/query.mjs by pyarrow.dataset and polars: peers.py ROOT WEEKS ROUNDS, a JSON line for each answer.
With AWS_ENDPOINT_URL and keys in the environment, ROOT is s3://BUCKET. A fourth argument lists what to ask, as "polars full".
"""
import json
import os
import sys
import time

root, weeks, rounds = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
asked = json.loads(sys.argv[4]) if len(sys.argv) > 4 else None
endpoint = os.environ.get("AWS_ENDPOINT_URL")


def measure(name, question, run):
    if asked is not None and f"{name} {question}" not in asked:
        return
    for number in range(rounds):
        started = time.perf_counter()
        rows = run()
        ms = (time.perf_counter() - started) * 1000
        print(json.dumps({"name": name, "question": question, "cold": number == 0, "ms": ms, "rows": rows}), flush=True)


try:
    import pyarrow.compute as pc
    import pyarrow.dataset as ds
    import pyarrow.fs as fs

    store = None if endpoint is None else fs.S3FileSystem(endpoint_override=endpoint, region=os.environ["AWS_REGION"])
    place = root.removeprefix("s3://")

    def arrow(where):
        table = ds.dataset(f"{place}/raw/plays", filesystem=store, partitioning="hive").to_table(columns=["yards"], filter=where)
        pc.sum(table["yards"])
        return table.num_rows

    measure("pyarrow.dataset", "point", lambda: arrow((ds.field("year") == 2024) & (ds.field("week") == 5)))
    measure(
        "pyarrow.dataset",
        "range",
        lambda: arrow((ds.field("year") == 2024) & (ds.field("week") >= weeks[0]) & (ds.field("week") <= weeks[1])),
    )
    def arrow_join():
        games = ds.dataset(f"{place}/raw/games", filesystem=store, partitioning="hive").to_table(filter=ds.field("year") == 2024)
        plays = ds.dataset(f"{place}/raw/plays", filesystem=store, partitioning="hive").to_table(
            columns=["yards", "year", "game_id"], filter=(ds.field("year") == 2024) & (ds.field("week") == 5)
        )
        # The type of a key is guessed from its values, and differs from the file's.
        plays = plays.set_column(plays.schema.get_field_index("game_id"), "game_id", plays["game_id"].cast("int64"))
        return plays.join(games, ["year", "game_id"], join_type="inner").num_rows

    measure("pyarrow.dataset", "join", arrow_join)
    measure("pyarrow.dataset", "full", lambda: arrow(None))
except ImportError:
    print(json.dumps({"missing": "pyarrow"}), flush=True)

try:
    import polars as pl

    options = None if endpoint is None else {"aws_endpoint_url": endpoint, "aws_allow_http": "true"}

    def scan(entity):
        return pl.scan_parquet(f"{root}/raw/{entity}/**/*.parquet", hive_partitioning=True, storage_options=options)

    def frame(where):
        rows = scan("plays") if where is None else scan("plays").filter(where)
        return rows.select(pl.len(), pl.col("yards").sum()).collect()[0, 0]

    measure("polars", "point", lambda: frame((pl.col("year") == 2024) & (pl.col("week") == 5)))
    measure("polars", "range", lambda: frame((pl.col("year") == 2024) & pl.col("week").is_between(*weeks)))
    def frame_join():
        games = scan("games").filter(pl.col("year") == 2024)
        plays = scan("plays").filter(
            (pl.col("year") == 2024) & (pl.col("week") == 5)
        )
        return plays.join(games, on=["year", "game_id"]).select(pl.len()).collect()[0, 0]

    measure("polars", "join", frame_join)
    measure("polars", "full", lambda: frame(None))
except ImportError:
    print(json.dumps({"missing": "polars"}), flush=True)
