#!/bin/sh
# Stands in for Python with a peer's packages in the tests of `--engine pandas`, `dask` and `spark`: does what FAKE says with the folder after --out.
for argument; do
    [ "$before" != --out ] || out=$argument
    before=$argument
done
case $FAKE in
save) cp "$FAKE_RESULT" "$out/features-00000.parquet" ;;
nothing) ;;
fail) echo half >"$out/features-00000.parquet" && exit 3 ;;
wait)
    echo half >"$out/features-00000.parquet"
    echo $$ >"$FAKE_STARTED"
    exec sleep 1000
    ;;
*) exit 4 ;;
esac
echo "$@" >&2
echo '{"phase": "t01", "seconds": 0.25}'
echo '{"phase": "save.sync", "seconds": 0.5}'
