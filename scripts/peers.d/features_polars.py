#!/usr/bin/env python3
"""The ten feature transformations in Polars' Python package: features_polars.py --in DIR --out DIR [--threads N]."""

import os

from features_common import args, files, phase, sync, target

os.environ["POLARS_MAX_THREADS"] = str(args.threads)

import polars as pl
from polars import col

F = [f"f{k}" for k in range(1, 7)]
I64 = pl.Int64


def t01():
    return [col(f"i{k}").fill_null(0).clip(0, 2**20).cast(pl.Float64).log1p().cast(pl.Float32).alias(f"i{k}_log") for k in range(1, 14)]


def t02():
    def scaled(f, shift, width):
        varies = (col(f).min() < col(f).max()).fill_null(False)
        return pl.when(varies).then((col(f).fill_null(col(f).mean()) - shift) / width).otherwise(0.0)

    z = [scaled(f, col(f).mean(), col(f).std(ddof=0)).alias(f + "_z") for f in F]
    return z + [scaled(f, col(f).min(), col(f).max() - col(f).min()).alias(f + "_mm") for f in F]


def t03(d, users):
    us = col("ts").to_physical()
    days = us // 86_400_000_000
    angle = (us // 1_000_000 % 86400).cast(pl.Float64) * (2 * 3.141592653589793 / 86400)
    dow = ((days + 3) % 7 + 1).cast(pl.Int8)  # 1970-01-01 was a Thursday
    return (
        d.select("user_id", "ts")
        .join(users, on="user_id", how="left", maintain_order="left")
        .select(
            hour=(us // 3_600_000_000 % 24).cast(pl.Int8),
            dow=dow,
            is_weekend=dow >= 6,
            tod_sin=angle.sin(),
            tod_cos=angle.cos(),
            days_since_signup=days.cast(pl.Int32) - col("signup").to_physical(),
        )
    )


def t04():
    url, ua = col("url"), col("ua")
    family = pl.lit("other")
    for name, value in (("Safari", "safari"), ("Chrome", "chrome"), ("Firefox", "firefox"), ("Edg", "edge")):
        family = pl.when(ua.str.contains(name, literal=True)).then(pl.lit(value)).otherwise(family)
    return [
        url.str.extract(r"//([^/?#]*)").alias("url_host"),
        url.str.extract(r"//[^/?#]*([^?#]*)").str.count_matches("/", literal=True).cast(pl.Int16).alias("url_depth"),
        url.str.extract(r"[?&]id=([0-9]{1,18})").cast(I64).alias("url_id"),
        family.alias("ua_family"),
        url.str.len_bytes().cast(pl.Int32).alias("url_len"),
    ]


def t05(d):
    out = []
    for c in ("c1", "c2", "c3", "c4", "device"):
        often = d.group_by(c).len().filter((col("len") >= 5) & col(c).is_not_null())
        often = often.sort("len", c, descending=[True, False]).select(c, pl.int_range(3, pl.len() + 3, dtype=pl.Int32).alias("code"))
        code = pl.when(col(c).is_null()).then(1).otherwise(col("code").fill_null(2)).cast(pl.Int32)
        out.append(d.select(c).join(often, on=c, how="left", maintain_order="left").select(code.alias(c + "_code")))
    return pl.concat(out, how="horizontal")


def t06():
    def cross(a, b):
        return ((col(a).cast(I64) * 1000003 + col(b).cast(I64) * 10007 + 17) % 2147483647 % 1048576).cast(pl.Int32)

    crosses = [cross("c1_code", "c2_code").alias("x_c1_c2"), cross("c2_code", "device_code").alias("x_c2_device")]
    crosses.append(cross("c1_code", "position").alias("x_c1_country"))
    return crosses + [(col(a + "_z") * col(b + "_z")).alias(a + b) for n, a in enumerate(F) for b in F[n + 1 :]]


def t07(d):
    fold = (col("row_id") % 5).cast(pl.Int8).alias("fold")
    d = d.select(fold, col("label").cast(I64), "c2", "c3", "c4", "country")
    n, s = pl.len().cast(I64).alias("n"), col("label").sum().alias("s")
    labels, rows = col("s").sum() - col("s"), col("n").sum() - col("n")
    mean = pl.when(rows > 0).then(labels / rows).otherwise(0.0)  # 0 where the other folds have no row
    means = d.group_by("fold").agg(n, s).select("fold", m=mean)
    out = []
    for c in ("c2", "c3", "c4", "country"):
        groups = d.group_by(c, "fold").agg(n, s).join(means, on="fold")
        others = [(col(x).sum().over(c) - col(x)).alias(x) for x in ("n", "s")]
        groups = groups.with_columns(others).select(c, "fold", ((col("s") + 20 * col("m")) / (col("n") + 20)).alias("te_" + c))
        joined = d.select(c, "fold").join(groups, on=[c, "fold"], how="left", nulls_equal=True, maintain_order="left")
        out.append(joined.select("te_" + c))
    return pl.concat(out, how="horizontal")


def t08(d):
    user = col("user_id")
    s = d.select("row_id", "user_id", "ts", "amount_cents", pl.int_range(pl.len()).alias("at")).sort("user_id", "ts", "row_id")
    same = user == user.shift()
    s = s.with_columns(
        dt_prev_us=pl.when(same).then(col("ts").to_physical().diff()),
        d_amount=pl.when(same).then(col("amount_cents").diff()),
        total=col("amount_cents").cum_sum(),
    ).with_columns(start=(col("dt_prev_us") > 1_800_000_000).fill_null(True))
    # What ran up before the session, or the user, is carried forward from its first row and taken off.
    s = s.with_columns(session=col("start").cast(pl.Int32).cum_sum(), first=(col("dt_prev_us").is_null()))
    base = pl.when("start").then(col("total") - col("amount_cents")).forward_fill()
    before = pl.when("first").then(col("session") - 1).forward_fill()
    return s.select("at", "dt_prev_us", "d_amount", session_no=col("session") - before, session_amount=col("total") - base).sort("at").drop("at")


def t09(d, items):
    hour = (col("ts").to_physical() // 3_600_000_000).cast(pl.Int32).alias("hour")
    d = d.select("item_id", hour, "amount_cents", col("qty").cast(I64))
    sums = d.group_by("item_id", "hour").agg(n=pl.len().cast(I64), amount=col("amount_cents").sum(), quantity=col("qty").sum())
    return (
        d.join(sums.with_columns(col("hour") + 1), on=["item_id", "hour"], how="left", maintain_order="left")
        .join(items, on="item_id", how="left", maintain_order="left")
        .select(
            item_prev_n=col("n").fill_null(0),
            item_prev_amount=col("amount").fill_null(0),
            item_prev_qty_mean=(col("quantity") / col("n")).fill_null(0.0),
            price_ratio=col("amount_cents") / col("price_cents"),
        )
    )


def t10(d):
    deciles = []
    for f in ("f1", "f2", "f3"):
        known = d[f].drop_nulls().sort()
        cuts = known.gather([-(-k * len(known) // 10) - 1 for k in range(1, 10)]) if len(known) else known
        found = cuts.search_sorted(d[f], side="left").cast(pl.UInt8)
        deciles.append(pl.select(pl.when(d[f].is_null()).then(255).otherwise(found).cast(pl.UInt8).alias(f + "_dec")))
    group = ["country", "day"]
    s = d.select("row_id", "country", "amount_cents", (col("ts").to_physical() // 86_400_000_000).cast(pl.Int32).alias("day"), pl.int_range(pl.len()).alias("at"))
    s = s.sort("amount_cents", "row_id").select("at", amount_rank=pl.int_range(1, pl.len() + 1).over(group) / pl.len().over(group))
    return pl.concat([*deciles, s.sort("at").select("amount_rank")], how="horizontal")


with phase("load.read+decode"):
    d = pl.read_parquet(files("events"))
    users = pl.read_parquet(files("users"), columns=["user_id", "signup"])
    items = pl.read_parquet(files("items"), columns=["item_id", "price_cents"])
out = [d.select("row_id")]
with phase("t01"):
    out.append(d.select(t01()))
with phase("t02"):
    z = d.select(t02())
    out.append(z)
with phase("t03"):
    out.append(t03(d, users))
with phase("t04"):
    out.append(d.select(t04()))
with phase("t05"):
    codes = t05(d)
    out.append(codes)
with phase("t06"):
    position = d.select((col("country").rank("dense") - 1).alias("position"))
    out.append(pl.concat([codes, z, position], how="horizontal").select(t06()))
with phase("t07"):
    out.append(t07(d))
with phase("t08"):
    out.append(t08(d))
with phase("t09"):
    out.append(t09(d, items))
with phase("t10"):
    out.append(t10(d))
with phase("save.encode"):
    pl.concat(out, how="horizontal").write_parquet(target, compression="zstd", compression_level=1)
sync()
