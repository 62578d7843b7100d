"""Reads tables with the call of an engine that the README names: python read.py ENGINE FOLDER...

Prints one JSON object per folder: the columns with their types, and the rows, whose values have one form for all engines.
"""

import datetime as dt
import decimal
import json
import math
import sys


ENGINE = sys.argv[1]


def plain(value):
    """Returns a value in the form that the test expects."""
    if hasattr(value, "tolist"):  # NumPy
        value = value.tolist()
    if hasattr(value, "asDict"):  # Spark
        value = value.asDict()
    if value is None or type(value).__name__ in ("NaTType", "NAType"):
        return None
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float, decimal.Decimal)):
        if isinstance(value, float) and math.isnan(value):
            return None if ENGINE.startswith("pandas") else "NaN"  # pandas has no other NULL
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            return str(int(value))  # pandas makes doubles of integers with NULLs
        return str(value)
    if isinstance(value, dt.datetime):
        zoned = value.replace(tzinfo=dt.timezone.utc) if value.tzinfo is None else value
        return zoned.astimezone(dt.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value]


def pandas(root, **options):
    import pandas as pd

    frame = pd.read_parquet(root, **options)
    return {name: str(dtype) for name, dtype in frame.dtypes.items()}, frame.astype(object).to_dict("records")


def pandas_with_null_keys(root):
    import pyarrow.dataset as ds

    return pandas(root, partitioning=ds.partitioning(flavor="hive"))


def arrow(table):
    return {field.name: str(field.type) for field in table.schema}, table.to_pylist()


def pyarrow_parquet(root):
    import pyarrow.parquet as pq

    return arrow(pq.read_table(root))


def pyarrow_dataset(root):
    import pyarrow.dataset as ds

    return arrow(ds.dataset(root, partitioning="hive").to_table())


def duckdb(root):
    import duckdb

    files = root.replace("'", "''") + "/**/*.parquet"
    result = duckdb.sql(f"SELECT * FROM read_parquet('{files}')")
    types = dict(zip(result.columns, map(str, result.types)))
    # As Arrow: rows with time zones need a package that is not always there.
    return types, result.to_arrow_table().to_pylist()


def polars(root, **options):
    import polars as pl

    frame = pl.scan_parquet(root + "/**/*.parquet", **options).collect()
    return {name: str(kind) for name, kind in frame.schema.items()}, frame.to_dicts()


def spark(root):
    frame = spark_session().read.parquet(root)
    return dict(frame.dtypes), [row.asDict() for row in frame.collect()]


def spark_session():
    from pyspark.sql import SparkSession

    # Only what keeps it small and local; nothing that changes how files are read.
    return (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )


ENGINES = {
    "pandas.read_parquet": pandas,
    "pandas.read_parquet, partitioning": pandas_with_null_keys,
    "pyarrow.parquet.read_table": pyarrow_parquet,
    "pyarrow.dataset.dataset": pyarrow_dataset,
    "duckdb read_parquet": duckdb,
    "polars.scan_parquet": polars,
    "polars.scan_parquet, hive_partitioning": lambda root: polars(root, hive_partitioning=True),
    "spark.read.parquet": spark,
}

for folder in sys.argv[2:]:
    try:
        types, rows = ENGINES[ENGINE](folder)
        answer = {"types": types, "rows": [{name: plain(value) for name, value in row.items()} for row in rows]}
    except Exception as error:  # The test decides which errors are expected.
        answer = {"error": f"{type(error).__name__}: {error}"}
    print("ANSWER " + json.dumps(answer))
