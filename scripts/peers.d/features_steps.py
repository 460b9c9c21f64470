"""The feature transformations in pandas and NumPy, of frames that hold all rows that a transformation looks at.

What pandas and Dask share: each gives columns by name.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

HOUR = 3600
CODED = ("c1", "c2", "c3", "c4", "device")
ENCODED = ("c2", "c3", "c4", "country")
NORMALISED = [f"f{k}" for k in range(1, 7)]
RANKED = ("f1", "f2", "f3")


def days_of(signup):
    """Dates as days since 1970."""
    return pd.to_datetime(signup).astype("datetime64[s]").astype("int64") // 86400


def t01(d):
    return {f"i{k}_log": np.log1p(d[f"i{k}"].fillna(0).clip(0, 2**20)).astype("float32") for k in range(1, 14)}


def t02(d, low, high, mean, deviation):
    def scaled(f, shift, width):
        return (d[f].fillna(mean[f]) - shift[f]) / width if low[f] < high[f] else np.zeros(len(d))

    z = {f + "_z": scaled(f, mean, deviation[f]) for f in NORMALISED}
    return z | {f + "_mm": scaled(f, low, high[f] - low[f]) for f in NORMALISED}


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
        "url_depth": parts["path"].str.count("/").clip(upper=32767).astype("int16"),
        "url_id": url.str.extract(r"[?&]id=([0-9]{1,18})", expand=False).astype("Int64"),
        "ua_family": family,
        "url_len": pc.binary_length(pa.array(url)).to_numpy().astype("int32"),
    }


def categories(values, count):
    """The code of each value by how often it was seen; the last code, that at -1, is that of null."""
    often = pd.DataFrame({"value": values, "count": count}).query("count >= 5")
    often = often.sort_values(["count", "value"], ascending=[False, True]).index
    table = np.full(len(values) + 1, 2, "int32")
    table[often] = np.arange(3, 3 + len(often))
    table[-1] = 1
    return table


def t06(c1, c2, device, position, z):
    def cross(a, b):
        return ((a.astype("int64") * 1000003 + b.astype("int64") * 10007 + 17) % 2147483647 % 1048576).astype("int32")

    crosses = {"x_c1_c2": cross(c1, c2), "x_c2_device": cross(c2, device), "x_c1_country": cross(c1, position)}
    pairs = [(i, j) for i in range(1, 7) for j in range(i + 1, 7)]
    return crosses | {f"f{i}f{j}": z[f"f{i}_z"] * z[f"f{j}_z"] for i, j in pairs}


def mean_of_others(counts, sums):
    """The mean of the label over the other four folds; 0 where they have no row."""
    others = counts.sum() - counts
    return np.divide(sums.sum() - sums, others, out=np.zeros(5), where=others > 0)


def encoding(n, s, mean):
    """Of counts and sums of the label by value and fold: what a row of that value and fold gets."""
    n, s = n.sum(axis=1, keepdims=True) - n, s.sum(axis=1, keepdims=True) - s
    return (s + 20 * mean) / (n + 20)


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


def cuts(x):
    """The nine quantiles 0.1 … 0.9 of the values that are known."""
    known = np.sort(x[~np.isnan(x)])
    return known[[-(-k * len(known) // 10) - 1 for k in range(1, 10)]] if len(known) else known


def decile(x, cuts):
    return np.where(np.isnan(x), 255, np.searchsorted(cuts, x)).astype("uint8")


def day_of(ts):
    """The UTC date as days since 1970."""
    return ts.astype("int64").to_numpy() // 86_400_000_000


def rank(d, group):
    """The place of each row in its group, whose number is given, over the group's size."""
    order = np.lexsort((d["row_id"], d["amount_cents"], group))
    counts = np.bincount(group)
    start = np.cumsum(counts) - counts
    rank = np.empty(len(d))
    rank[order] = np.arange(1, len(d) + 1)
    return (rank - start[group]) / counts[group]
