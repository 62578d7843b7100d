"""Writes values/: one small file for each kind of value or name that readers tend to lose. Needs pyarrow and pandas."""

import base64
import datetime
import os
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "values"))
text, int64 = pa.string(), pa.int64()


def maps(name, key, *rows, value=int64):
    pq.write_table(pa.table({"m": pa.array(list(rows), pa.map_(key, value))}), f"map-{name}.parquet")


maps("text", text, [("b", 1), ("a", None)], None, [])
maps("equal", text, [("a", 1), ("b", 2), ("a", 3)])
maps("proto", text, [("__proto__", 1), ("constructor", 2), ("1960", 3)])
maps("struct", pa.struct([("a", int64)]), [({"a": 1}, 1), ({"a": 2}, 2)])
maps("binary", pa.binary(), [(b"\x00\xff", 1), (b"", 2)])
maps("date", pa.date32(), [(datetime.date(2024, 1, 1), 1)])
maps("number", pa.float64(), [(1.5, 1), (float("nan"), 2), (float("nan"), 3)])
maps("bigint", int64, [(2**62, 1), (2**62 + 1, 2)])
maps("boolean", pa.bool_(), [(True, 1), (False, 2)])
maps("decimals", pa.decimal128(20, 2), [(Decimal("1.10"), Decimal("2.5"))], value=pa.decimal128(5, 1))
maps("time", pa.time64("us"), [(datetime.time(1, 2, 3, 4), 1)])
maps("nested", text, [("a", [("x", 1), ("x", 2)]), ("b", None)], value=pa.map_(text, int64))
in_list = pa.array([[[("k", 1), ("k", 2)], None], None, []], pa.list_(pa.map_(text, int64)))
in_struct = pa.array([{"m": [("k", 1)]}, {"m": None}, None], pa.struct([("m", pa.map_(text, int64))]))
pq.write_table(pa.table({"list": in_list, "struct": in_struct}), "map-inside.parquet")

names = ["country", "1961", "constructor", "1960", "toString", "__proto__", "valueOf", "\ufeffid", "id", "a.b"]
pq.write_table(pa.table({name: pa.array([i], int64) for i, name in enumerate(names)}), "names.parquet")
inner = pa.struct([(name, int64) for name in names])
dotted = pa.struct([("b", pa.struct([("c", int64)])), ("b.c", int64)])
pq.write_table(
    pa.table(
        {
            "s": pa.array([{name: i for i, name in enumerate(names)}], inner),
            "a": pa.array([{"b": {"c": 1}, "b.c": 2}], dotted),
            "a.b": pa.array([{"c": 3}], pa.struct([("c", int64)])),
            "a.b.c": pa.array([4], int64),
        }
    ),
    "names-nested.parquet",
)
pq.write_table(pa.table({"v": ["\ufeffx", "\ufeff", "x\ufeff", None]}), "mark.parquet")

days = pa.array([0, 2**31 - 1, -(2**31), 100_000_000, 100_000_001, None], pa.int32()).cast(pa.date32())
pq.write_table(pa.table({"d": days, "l": pa.array([[d] for d in days], pa.list_(pa.date32()))}), "dates.parquet")
ends = pa.array([0, 2**63 - 1, -(2**63), None], int64)
pq.write_table(
    pa.table(
        {
            "ms": ends.cast(pa.timestamp("ms", "UTC")),
            "us": ends.cast(pa.timestamp("us")),
            "ns": ends.cast(pa.timestamp("ns")),
            "s": pa.StructArray.from_arrays([ends.cast(pa.timestamp("us"))], ["t"]),
        }
    ),
    "timestamps.parquet",
)
wide = pa.array([Decimal("9" * 66 + "." + "1" * 10), Decimal("-0.0000000001"), None], pa.decimal256(76, 10))
whole = pa.array([Decimal(10**75), Decimal(-1), None], pa.decimal256(76, 0))
pq.write_table(pa.table({"wide": wide, "whole": whole}), "decimals.parquet")

schema = pa.schema(
    [
        ("a", int64),
        ("b", pa.bool_()),
        ("s", text),
        ("d", pa.dictionary(pa.int32(), text)),
        ("l", pa.list_(int64)),
        ("m", pa.map_(text, int64)),
        ("r", pa.struct([("x", int64)])),
    ]
)
pq.write_table(schema.empty_table(), "empty-pyarrow.parquet")
pq.write_table(schema.empty_table(), "empty-plain.parquet", use_dictionary=False, compression="none")
pd.DataFrame({"a": pd.Series([], dtype="int64"), "s": pd.Series([], dtype="str")}).to_parquet("empty-pandas.parquet")
pd.DataFrame().to_parquet("empty-columns.parquet")
with pq.ParquetWriter("empty-group.parquet", pa.schema([("a", int64)])) as writer:
    for values in [[], [1], [], [2]]:
        writer.write_table(pa.table({"a": pa.array(values, int64)}))


class Keys(pe.KmsClient):
    """Stands in for a key store."""

    def __init__(self, config):
        pe.KmsClient.__init__(self)

    def wrap_key(self, key, name):
        return base64.b64encode(key)

    def unwrap_key(self, wrapped, name):
        return base64.b64decode(wrapped)


def encrypt(name, **options):
    config = pe.EncryptionConfiguration(footer_key="footer", column_keys={"column": ["secret"]}, **options)
    properties = pe.CryptoFactory(Keys).file_encryption_properties(pe.KmsConnectionConfig(), config)
    table = pa.table({"open": [1, 2], "secret": ["a", "b"]})
    with pq.ParquetWriter(name, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)


encrypt("encrypted-footer.parquet")
encrypt("encrypted-columns.parquet", plaintext_footer=True)
