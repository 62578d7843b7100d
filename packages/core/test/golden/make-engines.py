"""Writes the golden trees `spark/`, `pandas/` and `polars/` beside this file, with the default settings of each:
python make-engines.py (pyspark 3.5.9, pandas 3.1.1 and polars 2.1.0 wrote those that are checked in)."""

import datetime as dt
import decimal
import pathlib
import shutil

import pandas as pd
import polars as pl
from pyspark.sql import SparkSession
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

HERE = pathlib.Path(__file__).parent
TEAMS = ["Texas A&M", "Hawai'i", "Miami (OH)", "San José State", "100% = a/b", "a+b c", None]
UTC = dt.timezone.utc
ROW = {
    "small": -5,
    "price": decimal.Decimal("-1234.56"),
    "exact": decimal.Decimal("12345678901234567890.123456789"),
    "day": dt.date(2024, 2, 29),
    "whole": dt.datetime(2024, 9, 1, 12, 30, tzinfo=UTC),
    "fine": dt.datetime(1969, 12, 31, 23, 59, 59, 123456),
    "text": "é\u0000\U0001f3c8",
    "nothing": None,
    "scores": [7, None, 14],
    "prices": [decimal.Decimal("0.10"), None],
    "coach": {"name": "Mike", "since": 2**53 + 1},
    "raw": b"\xff\x00",
    "half": 1.5,
    "huge": float("nan"),
    "win.prob": True,
}
ROWS = [{"season": 2024, "team": team, "id": id, **ROW} for id, team in enumerate(TEAMS)]


def spark(folder):
    types = {
        "season": IntegerType(),
        "team": StringType(),
        "id": LongType(),
        "small": ByteType(),
        "price": DecimalType(9, 2),
        "exact": DecimalType(38, 9),
        "day": DateType(),
        "whole": TimestampType(),
        "fine": TimestampNTZType(),
        "text": StringType(),
        "nothing": StringType(),
        "scores": ArrayType(LongType()),
        "prices": ArrayType(DecimalType(5, 2)),
        "coach": StructType([StructField("name", StringType()), StructField("since", LongType())]),
        "raw": BinaryType(),
        "half": FloatType(),
        "huge": DoubleType(),
        "win.prob": BooleanType(),
        "bowls": MapType(StringType(), StringType()),
    }
    session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    rows = [{**row, "bowls": {"Rose": "won", "a.b": None}} for row in ROWS]
    schema = StructType([StructField(name, kind) for name, kind in types.items()])
    frame = session.createDataFrame(rows, schema).coalesce(1)
    frame.write.partitionBy("season", "team").parquet(str(folder))


def pandas(folder):
    pd.DataFrame(ROWS).to_parquet(folder, partition_cols=["season", "team"])


def polars(folder):
    pl.DataFrame(ROWS).write_parquet(pl.PartitionBy(str(folder), key=["season", "team"]))


for write in (spark, pandas, polars):
    folder = HERE / write.__name__
    shutil.rmtree(folder, ignore_errors=True)
    write(folder)
