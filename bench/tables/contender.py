# pyarrow and one job in a process of its own: contender.py JOB FOLDER
import io, json, os, resource, sys, time
import pyarrow as pa, pyarrow.parquet as pq

job, folder = sys.argv[1:3]
work = os.path.join(folder, "pyarrow")
os.makedirs(work, exist_ok=True)
path = lambda name: os.path.join(work, name)


def game(id):
    rows = []
    for play in range(165):
        row = {f"i{c}": play * c + id for c in range(21)}
        row.update({f"d{c}": (play * c) / 7 for c in range(21)})
        row.update({f"t{c}": f"team {play % 2}" if c % 2 == 0 else None for c in range(21)})
        rows.append(row)
    return rows


def wide(count):
    rows = []
    for i in range(count):
        row = {f"i{c}": (i * (c + 1)) % 100003 for c in range(8)}
        row.update({f"d{c}": i / (c + 2) for c in range(8)})
        row.update({f"t{c}": f"text {(i * (c + 1)) % 97}" for c in range(4)})
        rows.append(row)
    return rows


def nested(count):
    rows = []
    for i in range(count):
        row = {}
        for c in range(62):
            n = i * (c + 1)
            row[f"s{c}"] = None if n % 5 == 0 else {"id": n % 1009, "name": f"name {n % 53}", "score": n / 7}
            row[f"l{c}"] = [n + k for k in range(n % 6)]
            row[f"p{c}"] = [{"key": k, "value": f"value {n % 97}"} for k in range(n % 4)]
            row[f"d{c}"] = {"at": {"x": i / 3, "y": i / 7}, "tags": [f"tag {k}" for k in range(n % 3)]}
        rows.append(row)
    return rows


def encode(rows):
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def prepare():
    if job.startswith("game-"):
        rows, data = game(1), encode(game(1))
        return {
            "game-write": lambda: f"{len(encode(rows))} bytes",
            "game-read": lambda: f"{len(pq.read_table(io.BytesIO(data)).to_pylist())} rows",
            "game-columns": lambda: f"{len(pq.read_table(io.BytesIO(data), columns=['i1', 'd1']).to_pylist())} rows",
        }[job]
    if job == "games-write":
        def write():
            for id in range(1000):
                os.makedirs(path(f"games/id={id}"), exist_ok=True)
                pq.write_table(pa.Table.from_pylist(game(id)), path(f"games/id={id}/data.parquet"))
            return "one after the other, not synced"
        return write
    if job == "season-write":
        rows = [{**row, "id": id} for id in range(1000) for row in game(id)]
        def write_season():
            pq.write_to_dataset(pa.Table.from_pylist(rows), path("season"), partition_cols=["id"], max_partitions=2000)
            return "write_to_dataset, not synced"
        return write_season
    if job == "games-read":
        return lambda: f"{len(pq.read_table(path('games')).to_pylist())} rows"
    if job == "wide-write":
        rows = wide(1000000)
        return lambda: pq.write_table(pa.Table.from_pylist(rows), path("wide.parquet"))
    if job == "nested-write":
        rows = nested(2556)
        return lambda: pq.write_table(pa.Table.from_pylist(rows), path("nested.parquet"))
    if job == "nested-read":
        return lambda: f"{len(pq.read_table(path('nested.parquet')).to_pylist())} rows"
    columns = ["i1", "d1"] if job == "wide-columns" else None
    return lambda: f"{len(pq.read_table(path('wide.parquet'), columns=columns).to_pylist())} rows"


run = prepare()
small = job.startswith("game-")
for _ in range(50 if small else 0):
    run()
times = []
for _ in range(100 if small else 1):
    started = time.perf_counter()
    note = run()
    times.append((time.perf_counter() - started) * 1000)
times.sort()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"ms": times[len(times) // 2], "bestMs": times[0], "peakMiB": peak, "note": note or ""}))
