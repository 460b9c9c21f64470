#!/usr/bin/env python3
"""The ten feature transformations in pandas and NumPy: features_pandas.py --in DIR --out DIR [--threads N]."""

from features_common import args, files, phase, sync, target

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

pa.set_cpu_count(args.threads)
HOUR = 3600


def load():
    """The events, with the days of signup and the prices by id."""
    events = pd.read_parquet(files("events"))
    users = pd.read_parquet(files("users"), columns=["user_id", "signup"]).set_index("user_id")["signup"]
    items = pd.read_parquet(files("items"), columns=["item_id", "price_cents"]).set_index("item_id")["price_cents"]
    return events, pd.to_datetime(users).astype("datetime64[s]").astype("int64") // 86400, items


def t01(d):
    return {f"i{k}_log": np.log1p(d[f"i{k}"].fillna(0).clip(0, 2**20)).astype("float32") for k in range(1, 14)}


def t02(d):
    out = {}
    for f in (f"f{k}" for k in range(1, 7)):
        x = d[f]
        low, high, mean = x.min(), x.max(), x.mean()
        x = x.fillna(mean)
        same = not low < high
        out[f + "_z"] = np.zeros(len(x)) if same else (x - mean) / d[f].std(ddof=0)
        out[f + "_mm"] = np.zeros(len(x)) if same else (x - low) / (high - low)
    return out


def t03(d, signup):
    seconds = d["ts"].astype("int64").to_numpy() // 1_000_000
    days, second = np.divmod(seconds, 86400)
    dow = (days + 3) % 7 + 1  # 1970-01-01 was a Thursday
    angle = second * (2 * np.pi / 86400)
    since = days - d["user_id"].map(signup)
    return {
        "hour": (second // HOUR).astype("int8"),
        "dow": dow.astype("int8"),
        "is_weekend": dow >= 6,
        "tod_sin": np.sin(angle),
        "tod_cos": np.cos(angle),
        "days_since_signup": since.astype("Int32"),
    }


def t04(d):
    url, ua = d["url"], d["ua"]
    parts = url.str.extract(r"//(?P<host>[^/?#]*)(?P<path>[^?#]*)")
    names = ["Edg", "Firefox", "Chrome", "Safari"]
    family = np.select([ua.str.contains(name, regex=False) for name in names], ["edge", "firefox", "chrome", "safari"], "other")
    return {
        "url_host": parts["host"],
        "url_depth": parts["path"].str.count("/").astype("int16"),
        "url_id": url.str.extract(r"[?&]id=([0-9]{1,18})", expand=False).astype("Int64"),
        "ua_family": family,
        "url_len": pc.binary_length(pa.array(url)).to_numpy().astype("int32"),
    }


def t05(d, codes):
    out = {}
    for name in ("c1", "c2", "c3", "c4", "device"):
        code, values = codes[name]
        count = np.bincount(code[code >= 0], minlength=len(values))
        often = pd.DataFrame({"value": values, "count": count}).query("count >= 5")
        often = often.sort_values(["count", "value"], ascending=[False, True]).index
        table = np.full(len(values) + 1, 2, "int32")
        table[often] = np.arange(3, 3 + len(often))
        table[-1] = 1  # the code of null is -1
        out[name + "_code"] = table[code]
    return out


def t06(out, codes):
    code, values = codes["country"]
    position = np.argsort(np.argsort(values))[code]

    def cross(a, b):
        return ((a.astype("int64") * 1000003 + b.astype("int64") * 10007 + 17) % 2147483647 % 1048576).astype("int32")

    c1, c2 = out["c1_code"], out["c2_code"]
    crosses = {"x_c1_c2": cross(c1, c2), "x_c2_device": cross(c2, out["device_code"]), "x_c1_country": cross(c1, position)}
    pairs = [(i, j) for i in range(1, 7) for j in range(i + 1, 7)]
    return crosses | {f"f{i}f{j}": out[f"f{i}_z"] * out[f"f{j}_z"] for i, j in pairs}


def t07(d, codes):
    fold, label = d["row_id"].to_numpy() % 5, d["label"].to_numpy()
    counts, sums = np.bincount(fold, minlength=5), np.bincount(fold, weights=label, minlength=5)
    others = counts.sum() - counts
    mean = np.divide(sums.sum() - sums, others, out=np.zeros(5), where=others > 0)  # 0 where the other folds have no row
    out = {}
    for name in ("c2", "c3", "c4", "country"):
        key = (codes[name][0] + 1) * 5 + fold  # null is the value 0
        size = (len(codes[name][1]) + 1) * 5
        n = np.bincount(key, minlength=size).reshape(-1, 5)
        s = np.bincount(key, weights=label, minlength=size).reshape(-1, 5)
        n, s = n.sum(axis=1, keepdims=True) - n, s.sum(axis=1, keepdims=True) - s
        out["te_" + name] = ((s + 20 * mean) / (n + 20)).ravel()[key]
    return out


def t08(d):
    order = np.lexsort((d["row_id"], d["ts"], d["user_id"]))
    s = d[["user_id", "ts", "amount_cents"]].iloc[order]
    users = s.groupby("user_id", sort=False)
    gap = users["ts"].diff()
    starts = gap.isna() | (gap > pd.Timedelta(minutes=30))
    session = starts.cumsum()
    back = np.argsort(order)
    gap_us = (gap.astype("int64") // 1).where(gap.notna()).astype("Int64")
    return {
        "dt_prev_us": gap_us.iloc[back].array,
        "d_amount": users["amount_cents"].diff().astype("Int64").iloc[back].array,
        "session_no": starts.groupby(s["user_id"], sort=False).cumsum().astype("int32").iloc[back].array,
        "session_amount": s.groupby(session, sort=False)["amount_cents"].cumsum().iloc[back].array,
    }


def t09(d, price):
    hour = d["ts"].astype("int64").to_numpy() // (HOUR * 1_000_000)
    first, span = hour.min(), int(hour.max() - hour.min()) + 2
    key = d["item_id"].to_numpy("int64") * span + (hour - first + 1)
    hours = d[["amount_cents", "qty"]].astype("int64").groupby(key, sort=False)
    sums = hours.sum().assign(n=hours.size())
    # Hour 0 of an item is always empty, so that no key before an item's first is another item's.
    before = sums.reindex(key - 1, fill_value=0)
    n, qty = before["n"].to_numpy(), before["qty"].to_numpy()
    return {
        "item_prev_n": n,
        "item_prev_amount": before["amount_cents"].to_numpy(),
        "item_prev_qty_mean": np.divide(qty, n, out=np.zeros(len(n)), where=n > 0),
        "price_ratio": (d["amount_cents"] / d["item_id"].map(price)).astype("Float64"),
    }


def t10(d, codes):
    out = {}
    for f in ("f1", "f2", "f3"):
        x = d[f].to_numpy()
        known = np.sort(x[~np.isnan(x)])
        cuts = known[[-(-k * len(known) // 10) - 1 for k in range(1, 10)]] if len(known) else known
        out[f + "_dec"] = np.where(np.isnan(x), 255, np.searchsorted(cuts, x)).astype("uint8")
    day = d["ts"].astype("int64").to_numpy() // 86_400_000_000
    group = (day - day.min()) * len(codes["country"][1]) + codes["country"][0]
    order = np.lexsort((d["row_id"], d["amount_cents"], group))
    counts = np.bincount(group)
    start = np.cumsum(counts) - counts
    rank = np.empty(len(d))
    rank[order] = np.arange(1, len(d) + 1)
    out["amount_rank"] = (rank - start[group]) / counts[group]
    return out


with phase("load.read+decode"):
    d, signup, price = load()
out = {"row_id": d["row_id"]}
with phase("t01"):
    out |= t01(d)
with phase("t02"):
    out |= t02(d)
with phase("t03"):
    out |= t03(d, signup)
with phase("t04"):
    out |= t04(d)
with phase("t05"):
    # Code of each row, -1 for null, and the values by code: also for the phases that follow.
    codes = {name: pd.factorize(d[name]) for name in ("c1", "c2", "c3", "c4", "device", "country")}
    out |= t05(d, codes)
with phase("t06"):
    out |= t06(out, codes)
with phase("t07"):
    out |= t07(d, codes)
with phase("t08"):
    out |= t08(d)
with phase("t09"):
    out |= t09(d, price)
with phase("t10"):
    out |= t10(d, codes)
with phase("save.encode"):
    pd.DataFrame(out, copy=False).to_parquet(target, compression="zstd", compression_level=1, index=False)
sync()
