#!/usr/bin/env python3
"""The ten feature transformations in DuckDB: features_duckdb.py --in DIR --out DIR [--threads N]."""

from features_common import args, each, files, phase, sync, target

import duckdb

F = range(1, 7)
db = duckdb.connect(config={"threads": args.threads})
db.execute("SET TimeZone = 'UTC'")


def transform(name, columns, source="events e", before=""):
    """Makes the table of a transformation: row_id and its columns."""
    with phase(name):
        db.execute(f"CREATE TABLE {name} AS {before} SELECT e.row_id, {columns} FROM {source}")


with phase("load.read+decode"):
    for table in ("events", "users", "items"):
        db.execute(f"CREATE TABLE {table} AS FROM read_parquet({files(table)})")

transform("t01", each("ln(1 + least(greatest(coalesce(i{k}, 0), 0), 1048576)::DOUBLE)::FLOAT AS i{k}_log", range(1, 14)))

moments = each("avg(f{k}) a{k}, stddev_pop(f{k}) s{k}, min(f{k}) l{k}, max(f{k}) h{k}", F)
transform(
    "t02",
    each("CASE WHEN l{k} < h{k} THEN (coalesce(f{k}, a{k}) - a{k}) / s{k} ELSE 0.0::DOUBLE END AS f{k}_z", F)
    + ", "
    + each("CASE WHEN l{k} < h{k} THEN (coalesce(f{k}, a{k}) - l{k}) / (h{k} - l{k}) ELSE 0.0::DOUBLE END AS f{k}_mm", F),
    f"events e, (SELECT {moments} FROM events)",
)

angle = "epoch_us(ts) // 1000000 % 86400 * (2 * pi() / 86400)"
transform(
    "t03",
    f"""hour(ts)::TINYINT AS hour, isodow(ts)::TINYINT AS dow, isodow(ts) >= 6 AS is_weekend,
    sin({angle}) AS tod_sin, cos({angle}) AS tod_cos, (ts::DATE - signup)::INTEGER AS days_since_signup""",
    "events e LEFT JOIN users USING (user_id)",
)

transform(
    "t04",
    r"""regexp_extract(url, '//([^/?#]*)', 1) AS url_host,
    (length(p.path) - length(replace(p.path, '/', '')))::SMALLINT AS url_depth,
    nullif(regexp_extract(url, '[?&]id=([0-9]{1,18})', 1), '')::BIGINT AS url_id,
    CASE WHEN contains(ua, 'Edg') THEN 'edge' WHEN contains(ua, 'Firefox') THEN 'firefox'
        WHEN contains(ua, 'Chrome') THEN 'chrome' WHEN contains(ua, 'Safari') THEN 'safari' ELSE 'other' END AS ua_family,
    strlen(url)::INTEGER AS url_len""",
    "(SELECT row_id, url, ua, {'path': regexp_extract(url, '//[^/?#]*([^?#]*)', 1)} AS p FROM events) e",
)

CODED = ("c1", "c2", "c3", "c4", "device")
transform(
    "t05",
    each("CASE WHEN e.{k} IS NULL THEN 1 ELSE coalesce(v_{k}.code, 2) END::INTEGER AS {k}_code", CODED),
    "events e" + "".join(f" LEFT JOIN v_{k} ON e.{k} = v_{k}.{k}" for k in CODED),
    "WITH "
    + each(
        "v_{k} AS (SELECT {k}, 2 + row_number() OVER (ORDER BY count(*) DESC, {k}) AS code"
        " FROM events WHERE {k} IS NOT NULL GROUP BY {k} HAVING count(*) >= 5)",
        CODED,
    ),
)


def cross(a, b):
    return f"(({a}::BIGINT * 1000003 + {b}::BIGINT * 10007 + 17) % 2147483647 % 1048576)::INTEGER"


transform(
    "t06",
    f"{cross('c1_code', 'c2_code')} AS x_c1_c2, {cross('c2_code', 'device_code')} AS x_c2_device,"
    f"{cross('c1_code', 'position')} AS x_c1_country, "
    + ", ".join(f"f{i}_z * f{j}_z AS f{i}f{j}" for i in F for j in F if i < j),
    """events e JOIN t05 USING (row_id) JOIN t02 USING (row_id) JOIN
    (SELECT country, row_number() OVER (ORDER BY country) - 1 AS position FROM events GROUP BY country) USING (country)""",
)

ENCODED = ("c2", "c3", "c4", "country")
transform(
    "t07",
    each("v_{k}.te AS te_{k}", ENCODED),
    "events e" + "".join(f" JOIN v_{k} ON v_{k}.{k} IS NOT DISTINCT FROM e.{k} AND v_{k}.fold = e.row_id % 5" for k in ENCODED),
    """WITH sums AS (SELECT row_id % 5 AS fold, count(*) AS n, sum(label) AS s FROM events GROUP BY fold),
    means AS (SELECT fold, coalesce((sum(s) OVER () - s) / nullif(sum(n) OVER () - n, 0), 0) AS m FROM sums), """
    + each(
        """g_{k} AS (SELECT {k}, row_id % 5 AS fold, count(*) AS n, sum(label) AS s FROM events GROUP BY ALL),
        v_{k} AS (SELECT {k}, fold, (sum(s) OVER w - s + 20 * m) / (sum(n) OVER w - n + 20) AS te
            FROM g_{k} JOIN means USING (fold) WINDOW w AS (PARTITION BY {k}))""",
        ENCODED,
    ),
)

transform(
    "t08",
    """dt_prev_us, d_amount, session_no,
    sum(amount_cents) OVER (PARTITION BY user_id, session_no ORDER BY ts, row_id ROWS UNBOUNDED PRECEDING)::BIGINT AS session_amount""",
    "sessions e",
    """WITH steps AS (SELECT row_id, user_id, ts, amount_cents, amount_cents - lag(amount_cents) OVER w AS d_amount,
        epoch_us(ts) - lag(epoch_us(ts)) OVER w AS dt_prev_us
        FROM events WINDOW w AS (PARTITION BY user_id ORDER BY ts, row_id)),
    sessions AS (SELECT *, sum(CASE WHEN dt_prev_us <= 1800000000 THEN 0 ELSE 1 END)
        OVER (PARTITION BY user_id ORDER BY ts, row_id ROWS UNBOUNDED PRECEDING)::INTEGER AS session_no FROM steps)""",
)

transform(
    "t09",
    """coalesce(n, 0) AS item_prev_n, coalesce(amount, 0)::BIGINT AS item_prev_amount,
    coalesce(quantity / n, 0.0)::DOUBLE AS item_prev_qty_mean, amount_cents / price_cents AS price_ratio""",
    """events e LEFT JOIN hours h ON h.item_id = e.item_id AND h.hour = epoch_us(ts) // 3600000000 - 1
    LEFT JOIN items ON items.item_id = e.item_id""",
    """WITH hours AS (SELECT item_id, epoch_us(ts) // 3600000000 AS hour, count(*) AS n, sum(amount_cents) AS amount,
    sum(qty) AS quantity FROM events GROUP BY ALL)""",
)

below = "CASE WHEN f{k} IS NULL THEN 255 ELSE " + " + ".join(f"(q{{k}}[{i}] < f{{k}})::UTINYINT" for i in range(1, 10))
transform(
    "t10",
    each(below + " END::UTINYINT AS f{k}_dec", (1, 2, 3))
    + """, row_number() OVER (PARTITION BY country, ts::DATE ORDER BY amount_cents, row_id)
    / count(*) OVER (PARTITION BY country, ts::DATE) AS amount_rank""",
    "events e, (SELECT " + each("quantile_disc(f{k}, [i / 10 FOR i IN range(1, 10)]) AS q{k}", (1, 2, 3)) + " FROM events)",
)

with phase("save.encode"):
    tables = "t01" + "".join(f" JOIN t{k:02} USING (row_id)" for k in range(2, 11))
    db.execute(f"COPY (FROM {tables}) TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)")
sync()
