"""Reads each file with several engines. Prints where values, statistics or filters differ from the rows that were written."""
import json, math, os, random, struct, sys
from datetime import datetime, timedelta, timezone
import duckdb, polars as pl, pyarrow as pa, pyarrow.compute as pc, pyarrow.parquet as pq

FOLDER = sys.argv[1]
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
con = duckdb.connect()
con.execute("SET TimeZone = 'UTC'; SET threads = 1")
problems = []

def double(value):
    return struct.pack(">d", float("nan") if math.isnan(value) else value).hex()

def micros(value):
    return str((value - EPOCH) // timedelta(microseconds=1))

def exact(value, of):
    if value is None: return None
    if isinstance(of, dict):
        if "list" in of: return [exact(item, of["list"]) for item in value]
        assert set(value) == {f["name"] for f in of["struct"]}, (value, of)
        return [[f["name"], exact(value[f["name"]], f["type"])] for f in of["struct"]]
    if of == "timestamp": return micros(value)
    if of == "binary": return value.hex()
    if of == "double": return double(value)
    if of == "int64": return str(value)
    # Polars reads JSON as bytes.
    return value.decode() if isinstance(value, bytes) else value

def compare(engine, file, table, schema, rows):
    table = pa.table(table)
    names = [f["name"] for f in schema]
    if table.column_names != names: return problems.append([file, engine, "names", table.column_names])
    columns = [[exact(v, f["type"]) for v in column.to_pylist()] for f, column in zip(schema, table.columns)]
    for f, c, found in zip(schema, range(len(schema)), columns):
        expected = [row[c][1] for row in rows]
        if found != expected:
            at = next((i for i, (a, b) in enumerate(zip(found, expected)) if a != b), min(len(found), len(expected)))
            problems.append([file, engine, f, at, len(found), len(expected), found[at : at + 1], expected[at : at + 1]])

def leaves(value, of):
    """Yields (path, value or None) for each slot of each leaf."""
    if isinstance(of, dict) and "list" in of:
        for item in value or [None]:
            for path, leaf in leaves(item, of["list"]): yield ("list", "element") + path, leaf
    elif isinstance(of, dict):
        fields = dict(map(tuple, value)) if value is not None else {}
        for f in of["struct"]:
            for path, leaf in leaves(fields.get(f["name"]), f["type"]): yield (f["name"],) + path, leaf
    else: yield (), value

def leaf_types(of, path):
    if isinstance(of, dict) and "list" in of: yield from leaf_types(of["list"], path + ("list", "element"))
    elif isinstance(of, dict):
        for f in of["struct"]: yield from leaf_types(f["type"], path + (f["name"],))
    else: yield path, of

def key(value, of):
    """A value of a leaf as the order of its type compares it."""
    if of == "int64" or of == "timestamp": return int(value)
    if of == "double": return struct.unpack(">d", bytes.fromhex(value))[0]
    if of == "string": return value.encode()
    if of == "binary": return bytes.fromhex(value)
    return value

def bound(value, of):
    if of == "string": return value.encode()
    if of == "timestamp": return (value - EPOCH) // timedelta(microseconds=1)
    return value

def check_statistics(file, path, schema, rows):
    parquet = pq.ParquetFile(path)
    meta = parquet.metadata
    types = [leaf for f in schema for leaf in leaf_types(f["type"], (f["name"],))]
    if meta.num_columns != len(types) or meta.num_rows != len(rows): return problems.append([file, "footer", "counts"])
    size = os.path.getsize(path)
    start = 0
    for g in range(meta.num_row_groups):
        group = meta.row_group(g)
        part = rows[start : start + group.num_rows]
        start += group.num_rows
        slots = {leaf: [] for leaf, _ in types}
        for row in part:
            for f, (_, value) in zip(schema, row):
                for rest, leaf in leaves(value, f["type"]): slots[(f["name"],) + rest].append(leaf)
        if group.total_byte_size != sum(group.column(c).total_uncompressed_size for c in range(len(types))):
            problems.append([file, "footer", "total_byte_size"])
        for c, (leaf, of) in enumerate(types):
            chunk = group.column(c)
            stats = chunk.statistics
            values = [key(v, of) for v in slots[leaf] if v is not None]
            found = [chunk.num_values, stats.null_count]
            if found != [len(slots[leaf]), len(slots[leaf]) - len(values)]: problems.append([file, "null_count", leaf, found])
            begin = chunk.dictionary_page_offset or chunk.data_page_offset
            if begin < 4 or begin + chunk.total_compressed_size > size: problems.append([file, "offsets", leaf])
            none = of in ("json", "null") or not values or (of == "double" and any(map(math.isnan, values)))
            if none:
                if stats.has_min_max: problems.append([file, "unexpected bounds", leaf])
                continue
            least, most = min(values), max(values)
            if not stats.has_min_max:
                if of not in ("string", "binary") or any(b < (127 if of == "string" else 255) for b in most[:16]):
                    problems.append([file, "no bounds", leaf, repr(most)])
                continue
            low, high = bound(stats.min, of), bound(stats.max, of)
            is_long = of in ("string", "binary")
            if not (low == least if not is_long or len(least) <= 16 else low <= least and least.startswith(low) and len(low) > 12):
                problems.append([file, "min", leaf, repr(low), repr(least)])
            if not (high == most if not is_long or len(most) <= 16 else high > most and len(high) <= 16):
                problems.append([file, "max", leaf, repr(high), repr(most)])

def literal(value, of):
    if of == "int64": return f"({value})::BIGINT" if int(value) != -2**63 else "(-9223372036854775807 - 1)::BIGINT"
    if of == "double": return "'" + repr(key(value, of)) + "'::DOUBLE"
    if of == "timestamp": return f"make_timestamptz({value})"
    if of == "boolean": return str(value).lower()
    if of == "binary": return "'" + "".join(f"\\x{b:02X}" for b in bytes.fromhex(value)) + "'::BLOB"
    return "'" + value.replace("'", "''") + "'"

quote = lambda name: '"' + name.replace('"', '""') + '"'
OPS = {"=": lambda a, b: a == b, "<": lambda a, b: a < b, ">": lambda a, b: a > b, "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b, "<>": lambda a, b: a != b}

def native(value, of):
    if of == "timestamp": return EPOCH + timedelta(microseconds=int(value))
    if of == "string": return value
    return key(value, of)

def check_filters(file, path, schema, rows, whole):
    """Rows that conditions return from the file, and from a table that was filled by the whole file."""
    r = random.Random(file)
    places = [(f["name"], None, f["type"]) for f in schema if isinstance(f["type"], str)]
    for f in schema:
        if isinstance(f["type"], dict) and "struct" in f["type"]:
            places += [(f["name"], g["name"], g["type"]) for g in f["type"]["struct"] if isinstance(g["type"], str)]
    places = [p for p in places if p[2] not in ("json", "null")]
    if not places: return
    con.execute("CREATE OR REPLACE TEMP TABLE whole AS FROM read_parquet(?)", [path])
    at = {f["name"]: i for i, f in enumerate(schema)}
    for name, field, of in places:
        values = [row[at[name]][1] for row in rows]
        if field is not None: values = [dict(map(tuple, v))[field] if v is not None else None for v in values]
        some = [v for v in values if v is not None and len(str(v)) < 2000 and "\0" not in str(v)]
        ask = [r.choice(some) for _ in range(3)] if some else []
        if some and not (of == "double" and any(math.isnan(key(v, of)) for v in some)):
            ask += [min(some, key=lambda v: key(v, of)), max(some, key=lambda v: key(v, of))]
        side = quote(name) + ("" if field is None else "." + quote(field))
        conditions = [f"{side} IS NULL", f"{side} IS NOT NULL"]
        for v in ask: conditions += [f"{side} {op} {literal(v, of)}" for op in r.sample(list(OPS), 3)]
        for where in conditions:
            found, wanted = (con.execute(f"SELECT count(*) FROM {source} WHERE {where}").fetchone() for source in (f"'{path}'", "whole"))
            if found != wanted: problems.append([file, "duckdb filter", where[:200], found, wanted])
        if of != "boolean":
            ends = f"SELECT min({side})::VARCHAR, max({side})::VARCHAR, count({side}) FROM "
            found, wanted = con.execute(ends + f"'{path}'").fetchone(), con.execute(ends + "whole").fetchone()
            if repr(found) != repr(wanted): problems.append([file, "duckdb min, max", side, repr(found)[:200], repr(wanted)[:200]])
        if field is not None: continue
        for v in ask[:3] + ask[-1:]:
            op = r.choice(list(OPS))
            if of == "double" and math.isnan(key(v, of)): continue
            value = native(v, of)
            condition = OPS[op](pl.col(name), pl.lit(value, dtype=pl.Datetime("us", "UTC")) if of == "timestamp" else pl.lit(value))
            found = pl.scan_parquet(path, glob=False, use_statistics=True).filter(condition).select(pl.len()).collect().item()
            wanted = pl.read_parquet(path, glob=False).lazy().filter(condition).select(pl.len()).collect().item()
            if found != wanted: problems.append([file, "polars filter", name, op, repr(value)[:100], found, wanted])
            scalar = pa.scalar(value, whole.schema.field(name).type)
            condition = OPS[op](pc.field(name), scalar)
            found, wanted = pq.read_table(path, filters=condition, partitioning=None).num_rows, whole.filter(condition).num_rows
            if found != wanted: problems.append([file, "pyarrow filter", name, op, repr(value)[:100], found, wanted])

with open(os.path.join(FOLDER, "expected.jsonl"), encoding="utf-8") as lines:
    for file, line in enumerate(lines):
        expected = json.loads(line)
        schema, rows = expected["schema"], expected["rows"]
        path = os.path.join(FOLDER, f"{file}.parquet")
        for engine, read in {
            "pyarrow": lambda: pq.ParquetFile(path).read(),
            "duckdb": lambda: con.execute("FROM read_parquet(?)", [path]).to_arrow_table(),
            "polars": lambda: pl.read_parquet(path, glob=False).to_arrow(),
            "statistics": None,
            "filters": None,
        }.items():
            try:
                if engine == "statistics": check_statistics(file, path, schema, rows)
                elif engine == "filters": check_filters(file, path, schema, rows, whole)
                else:
                    table = read()
                    if engine == "pyarrow": whole = table
                    compare(engine, file, table, schema, rows)
            except Exception as error: problems.append([file, engine, type(error).__name__, str(error)[:400]])
print(json.dumps({"files": file + 1, "count": len(problems), "problems": problems[:20]}, default=repr))
