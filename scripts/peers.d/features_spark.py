#!/usr/bin/env python3
"""The ten feature transformations in Spark SQL: features_spark.py --in DIR --out DIR [--threads N].

On a standalone cluster of this host: a master and N workers of one core, which live as long as this script does.
"""

import os
import re
import subprocess
import time
import warnings
from contextlib import ExitStack, contextmanager

from features_common import all_work, args, each, end_with, files, phase, sync, take, work_folder

warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")  # which is not used

import pyspark
from pyspark.sql import SparkSession

F = range(1, 7)
LOOPBACK = "127.0.0.1"
PATIENCE = 120  # seconds until the cluster stands
HOME = os.path.dirname(pyspark.__file__)
BYTES_A_PARTITION = 16 << 20  # of the input, compressed


def executor_bytes():
    """Memory for each worker: half of what is available, shared; pages of files need the rest."""
    with open("/proc/meminfo") as lines:
        available = next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable"))
    return max(available // 2 // args.threads, 1 << 30)


def wait_for(find, while_=lambda: True):
    """What `find` finds, as soon as it finds something; None where that takes too long."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and while_():
        if found := find():
            return found
        time.sleep(0.05)
    return None


def require_plain(*folders):
    """Refuses paths in which Spark reads more than names: patterns, lists, options."""
    for folder in map(os.path.abspath, folders):
        if odd := re.search(r'[,:"\\*?\[\]{}]', folder):
            raise SystemExit(f"error: Spark reads the {odd[0]} in {folder} as a sign of its own. Name another folder.")


@contextmanager
def daemon(work, name, *arguments):
    """A master or a worker, with the path of what it says."""
    me, log = os.getpid(), os.path.join(work, name + ".log")
    with open(log, "wb") as output:
        command = [os.path.join(HOME, "bin/spark-class"), *arguments]
        daemon = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=lambda: end_with(me)
        )
    try:
        yield daemon, log
    finally:
        daemon.terminate()
        try:
            daemon.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def said(log):
    with open(log, errors="replace") as lines:
        return lines.read()


def java_options(work):
    """Keeps what a virtual machine puts down for a while where it is removed."""
    return f'-XX:-UsePerfData "-Djava.io.tmpdir={work}"'


def start_cluster(stack, work):
    """Starts the master and the workers; the master's URL and the ids of the workers."""
    os.environ |= {
        "SPARK_HOME": HOME,
        "SPARK_CONF_DIR": os.path.join(work, "conf"),  # nothing of the user's
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_DAEMON_MEMORY": "512m",
        "SPARK_DAEMON_JAVA_OPTS": java_options(work) + " -Dspark.master.rest.enabled=false",
        "SPARK_LOCAL_DIRS": os.path.join(work, "local"),
    }
    os.environ.pop("HADOOP_CONF_DIR", None)
    place = ("--host", LOOPBACK, "--port", "0", "--webui-port", "0")
    master, log = stack.enter_context(daemon(work, "master", "org.apache.spark.deploy.master.Master", *place))
    url = wait_for(lambda: re.search(r"Starting Spark master at (spark://\S+)", said(log)), lambda: master.poll() is None)
    if url is None:
        last = " ".join(said(log).split()[-60:])
        raise SystemExit(f"error: Spark's master has not started; is Java there (Debian: openjdk-17-jre-headless)? It said: {last}")
    memory = f"{executor_bytes() >> 20}M"
    workers = []
    for number in range(args.threads):
        name = f"worker-{number}"
        limits = ("--cores", "1", "--memory", memory, "--work-dir", os.path.join(work, name))
        start = daemon(work, name, "org.apache.spark.deploy.worker.Worker", *place, *limits, url[1])
        workers.append(stack.enter_context(start)[0].pid)
    stack.callback(lambda: wait_for(lambda: not children(workers)))  # they write below `work`
    return url[1], workers, memory


def start_session(stack, work, url, workers, memory):
    """A session, when an executor of each worker is ready; the executors' ids."""
    size = sum(os.path.getsize(path) for path in files("events"))
    settings = {
        "spark.driver.host": LOOPBACK,
        "spark.driver.bindAddress": LOOPBACK,
        "spark.driver.memory": "2g",
        "spark.driver.extraJavaOptions": java_options(work),
        "spark.executor.memory": memory,
        "spark.executor.extraJavaOptions": java_options(work),
        "spark.cores.max": args.threads,
        "spark.scheduler.minRegisteredResourcesRatio": 1,
        "spark.scheduler.maxRegisteredResourcesWaitingTime": f"{PATIENCE}s",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": max(4 * args.threads, size // BYTES_A_PARTITION),
        # What is kept by row_id stays so: joins on it move nothing.
        "spark.sql.optimizer.canChangeCachedPlanOutputPartitioning": "false",
        # The virtual machine compiles no larger method, and then code that is generated is slower than none.
        "spark.sql.codegen.hugeMethodLimit": 8000,
        "spark.sql.warehouse.dir": os.path.join(work, "warehouse"),
        "spark.hadoop.parquet.compression.codec.zstd.level": 1,
    }
    builder = SparkSession.builder.master(url).appName("features")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    stack.callback(session.stop)
    wait_for(lambda: len(children(workers)) == args.threads)
    executors = children(workers)
    if executors:  # else it would wait for ever
        session.range(0, args.threads, 1, args.threads).count()
    return session, executors


def children(parents):
    """The ids of the processes that these started: the executors of the workers."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/stat") as stat:
                state, parent = stat.read().rpartition(")")[2].split()[:2]
        except OSError:  # it has ended
            continue
        if int(parent) in parents and state != "Z":  # what `spark-class` leaves to the worker has ended, too
            found.append(int(process))
    return found


def transform(name, columns, source="events e", before="", moved=True):
    """Makes the table of a transformation, row_id and its columns; where rows were moved they are brought back."""
    order = "CLUSTER BY row_id" if moved else ""
    with phase(name):
        spark.sql(f"CACHE TABLE {name} AS {before} SELECT e.row_id, {columns} FROM {source} {order}")


def load():
    for table, order in (("events", "CLUSTER BY row_id"), ("users", ""), ("items", "")):
        spark.read.parquet(*files(table)).createTempView(f"{table}_files")
        spark.sql(f"CACHE TABLE {table} AS SELECT * FROM {table}_files {order}")


def t01():
    log = "CAST(ln(1D + least(greatest(coalesce(i{k}, 0), 0), 1048576)) AS FLOAT) AS i{k}_log"
    transform("t01", each(log, range(1, 14)), moved=False)


def t02():
    moments = each("avg(f{k}) a{k}, stddev_pop(f{k}) s{k}, min(f{k}) l{k}, max(f{k}) h{k}", F)
    transform(
        "t02",
        each("CASE WHEN l{k} < h{k} THEN (coalesce(f{k}, a{k}) - a{k}) / s{k} ELSE 0D END AS f{k}_z", F)
        + ", "
        + each("CASE WHEN l{k} < h{k} THEN (coalesce(f{k}, a{k}) - l{k}) / (h{k} - l{k}) ELSE 0D END AS f{k}_mm", F),
        f"events e CROSS JOIN (SELECT {moments} FROM events)",
        moved=False,
    )


def t03():
    angle = "pmod(unix_seconds(ts), 86400) * (2 * pi() / 86400)"
    transform(
        "t03",
        f"""CAST(hour(ts) AS TINYINT) AS hour, CAST(weekday(ts) + 1 AS TINYINT) AS dow, weekday(ts) >= 5 AS is_weekend,
        sin({angle}) AS tod_sin, cos({angle}) AS tod_cos, datediff(CAST(ts AS DATE), signup) AS days_since_signup""",
        "events e LEFT JOIN users USING (user_id)",
    )


def t04():
    path = "regexp_extract(url, '//[^/?#]*([^?#]*)', 1)"
    transform(
        "t04",
        f"""regexp_extract(url, '//([^/?#]*)', 1) AS url_host,
        CAST(least(length({path}) - length(replace({path}, '/', '')), 32767) AS SMALLINT) AS url_depth,
        CAST(nullif(regexp_extract(url, '[?&]id=([0-9]{{1,18}})', 1), '') AS BIGINT) AS url_id,
        CASE WHEN contains(ua, 'Edg') THEN 'edge' WHEN contains(ua, 'Firefox') THEN 'firefox'
            WHEN contains(ua, 'Chrome') THEN 'chrome' WHEN contains(ua, 'Safari') THEN 'safari' ELSE 'other' END AS ua_family,
        octet_length(url) AS url_len""",
        moved=False,
    )


def t05():
    coded = ("c1", "c2", "c3", "c4", "device")
    transform(
        "t05",
        each("CASE WHEN e.{k} IS NULL THEN 1 ELSE coalesce(v_{k}.code, 2) END AS {k}_code", coded),
        "events e" + "".join(f" LEFT JOIN v_{k} ON e.{k} = v_{k}.{k}" for k in coded),
        "WITH "
        + each(
            "v_{k} AS (SELECT {k}, 2 + row_number() OVER (ORDER BY n DESC, {k}) AS code FROM"
            " (SELECT {k}, count(*) AS n FROM events WHERE {k} IS NOT NULL GROUP BY {k}) WHERE n >= 5)",
            coded,
        ),
    )


def cross(a, b):
    return f"CAST((CAST({a} AS BIGINT) * 1000003 + CAST({b} AS BIGINT) * 10007 + 17) % 2147483647 % 1048576 AS INT)"


def t06():
    transform(
        "t06",
        f"{cross('c1_code', 'c2_code')} AS x_c1_c2, {cross('c2_code', 'device_code')} AS x_c2_device,"
        f"{cross('c1_code', 'position')} AS x_c1_country, "
        + ", ".join(f"f{i}_z * f{j}_z AS f{i}f{j}" for i in F for j in F if i < j),
        """events e JOIN t05 USING (row_id) JOIN t02 USING (row_id) JOIN
        (SELECT country, row_number() OVER (ORDER BY country) - 1 AS position FROM (SELECT DISTINCT country FROM events))
        USING (country)""",
    )


def t07():
    encoded = ("c2", "c3", "c4", "country")
    # Null is a value of its own. With `<=>` beside `=` the fold alone would be the key of the join.
    key = "coalesce(concat('=', e.{k}), '')"
    transform(
        "t07",
        each("v_{k}.te AS te_{k}", encoded),
        "events e" + "".join(f" JOIN v_{k} ON v_{k}.value = {key.format(k=k)} AND v_{k}.fold = e.row_id % 5" for k in encoded),
        """WITH sums AS (SELECT row_id % 5 AS fold, count(*) AS n, sum(label) AS s FROM events GROUP BY row_id % 5),
        means AS (SELECT fold, coalesce((sum(s) OVER () - s) / nullif(sum(n) OVER () - n, 0), 0) AS m FROM sums), """
        + each(
            f"""g_{{k}} AS (SELECT {key} AS value, row_id % 5 AS fold, count(*) AS n, sum(label) AS s
                FROM events e GROUP BY {key}, row_id % 5),
            v_{{k}} AS (SELECT value, fold, ((sum(s) OVER w) - s + 20 * m) / ((sum(n) OVER w) - n + 20) AS te
                FROM g_{{k}} JOIN means USING (fold) WINDOW w AS (PARTITION BY value))""",
            encoded,
        ),
    )


def t08():
    transform(
        "t08",
        """dt_prev_us, d_amount, session_no,
        sum(amount_cents) OVER (PARTITION BY user_id, session_no ORDER BY ts, row_id ROWS UNBOUNDED PRECEDING) AS session_amount""",
        "sessions e",
        """WITH steps AS (SELECT row_id, user_id, ts, amount_cents, amount_cents - lag(amount_cents) OVER w AS d_amount,
            unix_micros(ts) - lag(unix_micros(ts)) OVER w AS dt_prev_us
            FROM events WINDOW w AS (PARTITION BY user_id ORDER BY ts, row_id)),
        sessions AS (SELECT *, CAST(sum(CASE WHEN dt_prev_us <= 1800000000 THEN 0 ELSE 1 END)
            OVER (PARTITION BY user_id ORDER BY ts, row_id ROWS UNBOUNDED PRECEDING) AS INT) AS session_no FROM steps)""",
    )


def t09():
    hour = "floor(unix_seconds(ts) / 3600)"
    transform(
        "t09",
        """coalesce(n, 0) AS item_prev_n, coalesce(amount, 0) AS item_prev_amount,
        coalesce(quantity / n, 0D) AS item_prev_qty_mean, amount_cents / price_cents AS price_ratio""",
        f"""events e LEFT JOIN hours h ON h.item_id = e.item_id AND h.hour = {hour} - 1
        LEFT JOIN items ON items.item_id = e.item_id""",
        f"""WITH hours AS (SELECT item_id, {hour} AS hour, count(*) AS n, sum(amount_cents) AS amount, sum(qty) AS quantity
            FROM events GROUP BY item_id, {hour})""",
    )


def t10():
    deciles = ("f1", "f2", "f3")
    # Spark has no 8 bits without a sign: the smallest type that holds 255.
    below = "CAST(CASE WHEN {k} IS NULL THEN 255 ELSE " + " + ".join(f"int(q{i}_{{k}} < {{k}})" for i in range(1, 10))
    ranked = "(SELECT *, CAST(ts AS DATE) AS day FROM events)"
    transform(
        "t10",
        each(below + " END AS SMALLINT) AS {k}_dec", deciles) + ", place / size AS amount_rank",
        f"""(SELECT *, row_number() OVER (PARTITION BY country, day ORDER BY amount_cents, row_id) AS place FROM {ranked}) e
        JOIN (SELECT country, day, count(*) AS size FROM {ranked} GROUP BY country, day) USING (country, day)"""
        + "".join(f" CROSS JOIN q_{k}" for k in deciles),
        # Nearest rank, from how many values there are up to each.
        "WITH "
        + each(
            "q_{k} AS (SELECT "
            + ", ".join(f"min(CASE WHEN 10 * upto >= {i} * m THEN {{k}} END) AS q{i}_{{k}}" for i in range(1, 10))
            + " FROM (SELECT {k}, sum(n) OVER (ORDER BY {k}) AS upto, m FROM"
            " (SELECT {k}, count(*) AS n FROM events WHERE {k} IS NOT NULL GROUP BY {k})"
            " CROSS JOIN (SELECT count({k}) AS m FROM events)))",
            deciles,
        ),
    )


def save(folder):
    tables = "t01" + "".join(f" JOIN t{k:02} USING (row_id)" for k in range(2, 11))
    spark.sql(f"SELECT * FROM {tables}").write.parquet(folder, compression="zstd")
    take(folder)


require_plain(args.source, args.out)
with ExitStack() as stack:
    work = stack.enter_context(work_folder())
    url, workers, memory = start_cluster(stack, work)
    spark, executors = start_session(stack, work, url, workers, memory)
    stack.enter_context(all_work(executors))
    with phase("load.read+decode"):
        load()
    for step in (t01, t02, t03, t04, t05, t06, t07, t08, t09, t10):
        step()
    with phase("save.encode"):
        save(os.path.join(work, "saved"))
    sync()
