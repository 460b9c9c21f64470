//! A program for workers that does what goes wrong, and hands everything else to the real one.
#![allow(unreachable_pub, reason = "several test programs use it")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// It stands between a worker and the process that does its tasks: it reads each task's id before and its answer after that.
const BETWEEN: &str = r#"#!/bin/sh
real='PROGRAM'
once() { mkdir "OWN/once-$1" 2>/dev/null; }
parent_of() { sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 2; }
before() {
    :
    BEFORE
}
after() {
    :
    AFTER
}
id= kind= work= last=
for word; do
    shift
    case $last in --work) work=$word ;; esac
    # The real one ends with this process.
    [ "$last" = --parent ] && set -- "$@" $$ || set -- "$@" "$word"
    last=$word
done
case $1 in
tasks | storage) ;;
*)
    before "$@"
    exec "$real" "$@"
    ;;
esac
mkfifo "OWN/in-$$" "OWN/out-$$"
"$real" "$@" <"OWN/in-$$" >"OWN/out-$$" &
own=$!
exec 3>"OWN/in-$$" 4<"OWN/out-$$"
rm "OWN/in-$$" "OWN/out-$$"
while read -r id; do
    kind=${id%-*}
    before "$@"
    echo "$id" >&3
    read -r answer <&4 || { wait $own; exit $?; }
    printf '%s\n' "$answer"
    after
done
"#;

/// Makes that program in a folder. It does `before` when it is started and before each task, with `$id`, its `$kind`, `$work`, the
/// worker as `$PPID`, and itself as `$$`, and `after` when a worker has the answer.
pub fn program(folder: &Path, before: &str, after: &str) -> PathBuf {
    let path = folder.join("faulty");
    let text = BETWEEN.replace("PROGRAM", env!("CARGO_BIN_EXE_hostproof-tabular"));
    let text = text.replace("BEFORE", before).replace("AFTER", after).replace("OWN", &folder.display().to_string());
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}
