#!/usr/bin/env python3
"""The ten feature transformations in pandas on Dask: features_dask.py --in DIR --out DIR [--threads N].

On N worker processes of one thread on this host, which live as long as this script does.
"""

import logging
import os
from contextlib import ExitStack

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
from distributed import Client, LocalCluster, futures_of, wait

import features_steps as steps

LOOPBACK = "127.0.0.1"
PAIRS = [f"f{i}f{j}" for i in range(1, 7) for j in range(i + 1, 7)]
# What each transformation gives: Dask plans by it.
COLUMNS = {
    "t01": {f"i{k}_log": "float32" for k in range(1, 14)},
    "t02": {f + end: "float64" for end in ("_z", "_mm") for f in steps.NORMALISED},
    "t03": {"hour": "int8", "dow": "int8", "is_weekend": "bool", "tod_sin": "float64", "tod_cos": "float64"}
    | {"days_since_signup": "Int32"},
    "t04": {"url_host": "str", "url_depth": "int16", "url_id": "Int64", "ua_family": "str", "url_len": "int32"},
    "t05": {name + "_code": "int32" for name in steps.CODED},
    "t06": dict.fromkeys(("x_c1_c2", "x_c2_device", "x_c1_country"), "int32") | dict.fromkeys(PAIRS, "float64"),
    "t07": {"te_" + name: "float64" for name in steps.ENCODED},
    "t08": {"dt_prev_us": "Int64", "d_amount": "Int64", "session_no": "int32", "session_amount": "int64"},
    "t09": {"item_prev_n": "int64", "item_prev_amount": "int64", "item_prev_qty_mean": "float64"}
    | {"price_ratio": "Float64"},
    "deciles": {f + "_dec": "uint8" for f in steps.RANKED},
    "rank": {"amount_rank": "float64"},
}


def empty(columns):
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in columns.items()})


def of_partition(d, *given, function):
    return pd.DataFrame(function(d, *given), index=d.index)


def of_moved_partition(d, *given, function, columns):
    if d.empty:
        return empty(columns)
    d = d.reset_index(drop=True)
    return pd.DataFrame({"row_id": d["row_id"]} | function(d, *given))


def mapped(name, function, d, *given):
    """The columns of a transformation that looks at one row at a time."""
    return dd.map_partitions(of_partition, d, *given, function=function, meta=empty(COLUMNS[name]))


def moved(name, function, d, by, events, *given):
    """The columns of a transformation that looks at all rows of a key, which are brought together and back again."""
    columns = {"row_id": "int64"} | COLUMNS[name]
    d = d.reset_index().shuffle(by)
    d = dd.map_partitions(of_moved_partition, d, *given, function=function, columns=columns, meta=empty(columns))
    return d.set_index("row_id", divisions=events.divisions)


def kept(d):
    """The same, computed, in the memory of the workers."""
    d = d.persist()
    wait(d)
    for future in futures_of(d):
        if future.status != "finished":
            future.result()  # raises what went wrong
    return d


def shared(value):
    """Brings a value to every worker once."""
    [future] = Client.current().scatter([value], broadcast=True)
    return dask.delayed(future)


def load(files):
    """The events by row_id, with the days of signup and the prices by id."""
    events = dd.read_parquet(files("events"), index="row_id", split_row_groups=True, calculate_divisions=True)
    if not events.known_divisions:  # they are not in this order
        events = events.reset_index().set_index("row_id")
    users = pd.read_parquet(files("users"), columns=["user_id", "signup"]).set_index("user_id")["signup"]
    items = pd.read_parquet(files("items"), columns=["item_id", "price_cents"]).set_index("item_id")["price_cents"]
    return kept(events), shared(steps.days_of(users)), shared(items)


def t02(events):
    f = events[steps.NORMALISED]
    moments = dask.compute(f.min(), f.max(), f.mean(), f.std(ddof=0))
    return mapped("t02", steps.t02, events, *(moment.to_dict() for moment in moments))


def count_values(events):
    """How often each value is there, of each column of text that becomes a number."""
    names = (*steps.CODED, "country")
    return dict(zip(names, dask.compute(*(events[name].value_counts() for name in names))))


def t05(events, counts):
    def code(d, tables):
        return {name + "_code": table[index.get_indexer(d[name])] for name, (index, table) in tables.items()}

    tables = {name: (counts[name].index, steps.categories(counts[name].index, counts[name].to_numpy())) for name in steps.CODED}
    return mapped("t05", code, events, shared(tables))


def t06(events, codes, z, counts):
    def cross(codes, z, d, places):
        position = places[1][places[0].get_indexer(d["country"])]
        return steps.t06(codes["c1_code"], codes["c2_code"], codes["device_code"], position, z)

    countries = counts["country"].index
    places = shared((countries, np.argsort(np.argsort(countries))))
    return mapped("t06", cross, codes, z, events[["country"]], places)


def with_fold(d):
    return d.assign(fold=d.index % 5)


def t07(events, counts):
    def encode(d, tables):
        fold = d.index.to_numpy() % 5
        return {"te_" + name: table[index.get_indexer(d[name]) + 1, fold] for name, (index, table) in tables.items()}

    def table(grouped, index):
        n, s = np.zeros((2, len(index) + 1, 5))
        # Null is the value 0.
        at = index.get_indexer(grouped.index.get_level_values(0)) + 1, grouped.index.get_level_values(1)
        n[at], s[at] = grouped["count"], grouped["sum"]
        return steps.encoding(n, s, mean)

    d = events[[*steps.ENCODED, "label"]].map_partitions(with_fold)
    keys = [["fold"], *([name, "fold"] for name in steps.ENCODED)]
    folds, *values = dask.compute(*(d.groupby(key, dropna=False)["label"].agg(["count", "sum"]) for key in keys))
    folds = folds.astype("float64").reindex(range(5), fill_value=0)
    mean = steps.mean_of_others(folds["count"].to_numpy(), folds["sum"].to_numpy())
    tables = {name: (counts[name].index, table(value, counts[name].index)) for name, value in zip(steps.ENCODED, values)}
    return mapped("t07", encode, events, shared(tables))


def with_day(d):
    return d.assign(day=steps.day_of(d["ts"]))


def t10(events):
    def decile(d, cuts):
        return {f + "_dec": steps.decile(d[f].to_numpy(), cuts[f]) for f in steps.RANKED}

    def rank(d):
        return {"amount_rank": steps.rank(d, d.groupby(["country", "day"]).ngroup().to_numpy())}

    values = events[list(steps.RANKED)]
    known = values.compute()
    cuts = {f: steps.cuts(known[f].to_numpy()) for f in steps.RANKED}
    d = events[["country", "ts", "amount_cents"]].map_partitions(with_day)
    return mapped("deciles", decile, values, shared(cuts)), moved("rank", rank, d, ["country", "day"], events)


def joined(*parts):
    return pd.concat(parts, axis=1).reset_index()


def save(parts, folder):
    columns = {"row_id": "int64"} | {name: dtype for part in COLUMNS.values() for name, dtype in part.items()}
    whole = dd.map_partitions(joined, *parts, meta=empty(columns))
    whole.to_parquet(folder, compression="zstd", compression_level=1, write_index=False)


def transform(phase, files):
    """All ten transformations: their columns in the order of the result."""
    with phase("load.read+decode"):
        events, signup, price = load(files)
    parts = {}
    with phase("t01"):
        parts["t01"] = kept(mapped("t01", steps.t01, events))
    with phase("t02"):
        parts["t02"] = kept(t02(events))
    with phase("t03"):
        parts["t03"] = kept(mapped("t03", steps.t03, events, signup))
    with phase("t04"):
        parts["t04"] = kept(mapped("t04", steps.t04, events))
    with phase("t05"):
        counts = count_values(events)  # also for the phases that follow
        parts["t05"] = kept(t05(events, counts))
    with phase("t06"):
        parts["t06"] = kept(t06(events, parts["t05"], parts["t02"], counts))
    with phase("t07"):
        parts["t07"] = kept(t07(events, counts))
    with phase("t08"):
        columns = events[["user_id", "ts", "amount_cents"]]
        parts["t08"] = kept(moved("t08", steps.t08, columns, ["user_id"], events))
    with phase("t09"):
        columns = events[["item_id", "ts", "amount_cents", "qty"]]
        parts["t09"] = kept(moved("t09", steps.t09, columns, ["item_id"], events, price))
    with phase("t10"):
        deciles, rank = t10(events)
        parts["deciles"], parts["rank"] = kept(deciles), kept(rank)
    return list(parts.values())


def main():
    # Not at the head: the workers read this file, too, and are no such program.
    from features_common import all_work, args, files, phase, sync, take, work_folder

    with ExitStack() as stack:
        work = stack.enter_context(work_folder())
        loopback = LOOPBACK + ":0"
        cluster = LocalCluster(
            n_workers=args.threads,
            threads_per_worker=1,
            processes=True,
            host=LOOPBACK,
            # Without an address of their own the pages about scheduler and workers are open to the network.
            dashboard_address=loopback,
            worker_dashboard_address=loopback,
            local_directory=work,
            silence_logs=logging.ERROR,  # each shuffle is a warning
        )
        client = stack.enter_context(Client(stack.enter_context(cluster)))
        stack.enter_context(all_work(list(client.run(os.getpid).values())))
        parts = transform(phase, files)
        with phase("save.encode"):
            saved = os.path.join(work, "saved")
            save(parts, saved)
            take(saved)
        sync()


if __name__ == "__main__":
    main()
