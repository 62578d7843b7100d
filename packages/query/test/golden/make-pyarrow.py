"""Writes the files in this folder, with pyarrow 26: python3 make-pyarrow.py"""

import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

here = pathlib.Path(__file__).parent
nan = float("nan")


def write(path, table, **options):
    (here / path).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, here / path, **options)


# The least and the greatest value in these footers leave NaN out.
rows = [1.5, 3.0, nan, None]
write(
    "nan/y=1/a.parquet",
    pa.table(
        {
            "k": [1, 2, 3, 4],
            "v": rows,
            "f": pa.array(rows, pa.float32()),
            "h": pa.array(rows, pa.float16()),
            "s": [{"x": x, "n": {"y": x}} for x in rows[:3]] + [None],
            "l": [[x] for x in rows[:3]] + [None],
            "ls": [[{"x": x}] for x in rows[:3]] + [None],
            "m": pa.array([[("a", x)] for x in rows[:3]] + [None], pa.map_(pa.string(), pa.float64())),
        }
    ),
)
# One row group has NaN, the other one the greatest number.
write("nan/y=2/a.parquet", pa.table({"k": [5, 6, 7, 8], "v": [10.0, 9.0, 1.0, nan]}), row_group_size=2)
# Drift: FLOAT in one partition, DOUBLE in another one.
write("drift/y=1/a.parquet", pa.table({"v": pa.array([1.5, nan], pa.float32())}))
write("drift/y=2/a.parquet", pa.table({"v": [1.5, nan]}))
# Encodings that DuckDB lacks.
for name, kind in [("int32", pa.int32()), ("int64", pa.int64()), ("decimal", pa.decimal128(30, 2))]:
    table = pa.table({"i": pa.array(range(100), pa.int64()).cast(kind), "t": [str(i) for i in range(100)]})
    write(
        f"split/kind={name}/a.parquet",
        table,
        use_dictionary=False,
        column_encoding={"i": "BYTE_STREAM_SPLIT", "t": "PLAIN"},
    )
