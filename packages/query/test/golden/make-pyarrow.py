"""Writes the files in this folder, with pyarrow 26: python3 make-pyarrow.py"""

import base64
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

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
for kind in [1, 2, 3]:
    encoding = "BYTE_STREAM_SPLIT" if kind == 2 else "PLAIN"
    write(f"mixed/kind={kind}/a.parquet", pa.table({"i": range(10)}), use_dictionary=False, column_encoding={"i": encoding})

# Encrypted files: a plaintext footer is readable without a key.
class NoKms(pe.KmsClient):
    def __init__(self, _config):
        pe.KmsClient.__init__(self)

    def wrap_key(self, key, _master):
        return base64.b64encode(key)

    def unwrap_key(self, wrapped, _master):
        return base64.b64decode(wrapped)


factory = pe.CryptoFactory(lambda config: NoKms(config))
for name, plaintext in [("encrypted_file", False), ("encrypted_column", True)]:
    table = pa.table({"i": range(10)})
    config = pe.EncryptionConfiguration(footer_key="f", column_keys={"k": ["i"]}, plaintext_footer=plaintext)
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), config)
    write(f"{name}/kind=1/a.parquet", table, encryption_properties=properties)
