"""Writes the golden tree `pyarrow/` beside this file: python make-pyarrow.py (pyarrow 26.0.1 wrote the one that is checked in)."""

import datetime as dt
import decimal
import pathlib
import shutil

import pyarrow as pa
import pyarrow.dataset as ds

TEAMS = ["Texas A&M", "Hawai'i", "Miami (OH)", "San José State", "100% = a/b", "a+b c", None]
OUT = pathlib.Path(__file__).parent / "pyarrow"
shutil.rmtree(OUT, ignore_errors=True)

count = len(TEAMS)
table = pa.table(
    {
        "season": pa.array([2024] * count, pa.int32()),
        "team": pa.array(TEAMS),
        "id": pa.array(range(count), pa.int64()),
        "small": pa.array([-5] * count, pa.int8()),
        "unsigned": pa.array([2**64 - 1] * count, pa.uint64()),
        "price": pa.array([decimal.Decimal("-1234.56")] * count, pa.decimal128(9, 2)),
        "exact": pa.array([decimal.Decimal("12345678901234567890.123456789")] * count, pa.decimal128(38, 9)),
        "day": pa.array([dt.date(2024, 2, 29)] * count),
        "clock": pa.array([dt.time(23, 59, 59, 1)] * count, pa.time64("us")),
        "whole": pa.array([dt.datetime(2024, 9, 1, 12, 30)] * count, pa.timestamp("us", "UTC")),
        "fine": pa.array([dt.datetime(1969, 12, 31, 23, 59, 59, 123456)] * count, pa.timestamp("us")),
        "text": pa.array(["é\u0000\U0001f3c8"] * count),
        "nothing": pa.array([None] * count, pa.null()),
        "scores": pa.array([[7, None, 14]] * count, pa.list_(pa.int64())),
        "prices": pa.array([[decimal.Decimal("0.10"), None]] * count, pa.list_(pa.decimal128(5, 2))),
        "coach": pa.array([{"name": "Mike", "at": dt.time(1, 2, 3)}] * count, pa.struct([("name", pa.string()), ("at", pa.time32("s"))])),
        "raw": pa.array([b"\xff\x00"] * count, pa.binary()),
        "half": pa.array([1.5] * count, pa.float32()),
    }
)
ds.write_dataset(
    table,
    OUT,
    format="parquet",
    partitioning=ds.partitioning(pa.schema([("season", pa.int32()), ("team", pa.string())]), flavor="hive"),
)
