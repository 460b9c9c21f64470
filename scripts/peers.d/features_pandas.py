#!/usr/bin/env python3
"""The ten feature transformations in pandas and NumPy: features_pandas.py --in DIR --out DIR [--threads N]."""

from features_common import args, files, phase, sync, target

import numpy as np
import pandas as pd
import pyarrow as pa

import features_steps as steps

pa.set_cpu_count(args.threads)


def load():
    """The events, with the days of signup and the prices by id."""
    events = pd.read_parquet(files("events"))
    users = pd.read_parquet(files("users"), columns=["user_id", "signup"]).set_index("user_id")["signup"]
    items = pd.read_parquet(files("items"), columns=["item_id", "price_cents"]).set_index("item_id")["price_cents"]
    return events, steps.days_of(users), items


def t02(d):
    f = d[steps.NORMALISED]
    return steps.t02(d, f.min(), f.max(), f.mean(), f.std(ddof=0))


def t05(codes):
    out = {}
    for name in steps.CODED:
        code, values = codes[name]
        count = np.bincount(code[code >= 0], minlength=len(values))
        out[name + "_code"] = steps.categories(values, count)[code]
    return out


def t06(out, codes):
    code, values = codes["country"]
    position = np.argsort(np.argsort(values))[code]
    return steps.t06(out["c1_code"], out["c2_code"], out["device_code"], position, out)


def t07(d, codes):
    fold, label = d["row_id"].to_numpy() % 5, d["label"].to_numpy()
    mean = steps.mean_of_others(np.bincount(fold, minlength=5), np.bincount(fold, weights=label, minlength=5))
    out = {}
    for name in steps.ENCODED:
        key = (codes[name][0] + 1) * 5 + fold  # null is the value 0
        size = (len(codes[name][1]) + 1) * 5
        n = np.bincount(key, minlength=size).reshape(-1, 5)
        s = np.bincount(key, weights=label, minlength=size).reshape(-1, 5)
        out["te_" + name] = steps.encoding(n, s, mean).ravel()[key]
    return out


def t10(d, codes):
    columns = ((f, d[f].to_numpy()) for f in steps.RANKED)
    out = {f + "_dec": steps.decile(x, steps.cuts(x)) for f, x in columns}
    day = steps.day_of(d["ts"])
    group = (day - day.min()) * len(codes["country"][1]) + codes["country"][0]
    return out | {"amount_rank": steps.rank(d, group)}


with phase("load.read+decode"):
    d, signup, price = load()
out = {"row_id": d["row_id"]}
with phase("t01"):
    out |= steps.t01(d)
with phase("t02"):
    out |= t02(d)
with phase("t03"):
    out |= steps.t03(d, signup)
with phase("t04"):
    out |= steps.t04(d)
with phase("t05"):
    # Code of each row, -1 for null, and the values by code: also for the phases that follow.
    codes = {name: pd.factorize(d[name]) for name in (*steps.CODED, "country")}
    out |= t05(codes)
with phase("t06"):
    out |= t06(out, codes)
with phase("t07"):
    out |= t07(d, codes)
with phase("t08"):
    out |= steps.t08(d)
with phase("t09"):
    out |= steps.t09(d, price)
with phase("t10"):
    out |= t10(d, codes)
with phase("save.encode"):
    pd.DataFrame(out, copy=False).to_parquet(target, compression="zstd", compression_level=1, index=False)
sync()
