//! An index says what the records say, whatever became of its file.

use super::*;
use crate::testdata::{run, write_all};
use measure::Profile;

fn ids(index: &Index) -> Vec<String> {
    index.runs().unwrap().into_iter().map(|run| run.digest.id).collect()
}

#[test]
fn an_index_says_what_the_records_say() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path());
    let mut original = run();
    write_all(&store.place("node-1", &original.id), &original);
    let index = Index::open(&store).unwrap();
    let runs = index.runs().unwrap();
    let loaded = index.load(&runs.iter().collect::<Vec<_>>(), None).unwrap();
    let expect = Digest::of(&original);
    assert_eq!(format!("{:?}", loaded[0]), format!("{expect:?}"));
    assert!(index.load(&[&runs[0]], Some(&|_| false)).unwrap()[0].series.is_empty());
    // One more, one gone, one damaged.
    original.id = "20260702T120000Z-0002".into();
    write_all(&store.place("node-1", &original.id), &original);
    assert_eq!(ids(&Index::open(&store).unwrap()).len(), 2);
    fs::remove_file(&runs[0].path).unwrap();
    assert_eq!(ids(&Index::open(&store).unwrap()), ["20260702T120000Z-0002"]);
    fs::write(store.place("node-1", &original.id), "damaged\n").unwrap();
    let index = Index::open(&store).unwrap();
    assert!(ids(&index).is_empty());
    assert!(index.unreadable().unwrap()[0].1.contains("line 1"));
}

#[test]
fn a_damaged_index_is_built_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path());
    write_all(&store.place("h", "20260701T120000Z-0001"), &run());
    drop(Index::open(&store).unwrap());
    let file = dir.path().join(FILE);
    let sound = fs::read(&file).unwrap();
    for damage in [&b"no database"[..], b"", b"SQLite format 3\0 and nothing else"] {
        fs::write(&file, damage).unwrap();
        assert_eq!(ids(&Index::open(&store).unwrap()).len(), 1);
        assert_eq!(fs::read(&file).unwrap().len(), sound.len(), "it was not written again");
    }
    // A flipped bit anywhere, and a cut anywhere, is found; nothing of it is used.
    for at in (0..sound.len()).step_by(997).chain(sound.len() - 60..sound.len()) {
        let mut damaged = sound.clone();
        damaged[at] ^= 1;
        fs::write(&file, &damaged).unwrap();
        assert!(saved(&file).is_none(), "bit at {at}");
        fs::write(&file, &sound[..at]).unwrap();
        assert!(saved(&file).is_none(), "cut at {at}");
    }
    // Tables that are not ours, as they were written.
    let other = Connection::open_in_memory().unwrap();
    other.execute_batch("CREATE TABLE run (key INTEGER)").unwrap();
    Index { db: other, root: dir.path().to_owned(), trouble: None }.save().unwrap();
    assert!(saved(&file).is_some());
    assert_eq!(ids(&Index::open(&store).unwrap()).len(), 1);
    // A record that was changed behind the file system's back, with the same size and time.
    let path = store.list().unwrap().remove(0).path;
    let before = fs::metadata(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap().replace("\"quick\"", "\"smoke\"");
    fs::write(&path, text).unwrap();
    fs::File::options().append(true).open(&path).unwrap().set_modified(before.modified().unwrap()).unwrap();
    let profile = |index: &Index| index.runs().unwrap()[0].digest.profile;
    assert_eq!(profile(&Index::open(&store).unwrap()), Profile::Quick);
    assert_eq!(profile(&Index::rebuild(&store).unwrap()), Profile::Smoke);
    fs::remove_file(dir.path().join(FILE)).unwrap();
    assert_eq!(profile(&Index::rebuild(&store).unwrap()), Profile::Smoke);
}

#[test]
fn commands_beside_each_other_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path());
    write_all(&store.place("h", "20260701T120000Z-0000"), &run());
    std::thread::scope(|scope| {
        for thread in 1..=4 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..10 {
                    let id = format!("2026070{thread}T12000{number}Z-0001");
                    write_all(&store.place("h", &id), &run());
                    let index = if thread == 1 { Index::rebuild(store) } else { Index::open(store) };
                    assert!(ids(&index.unwrap()).contains(&id), "{id}");
                }
            });
        }
    });
    assert_eq!(ids(&Index::open(&store).unwrap()).len(), 41);
    assert!(!dir.path().join(NEW).exists());
    assert_eq!(Chain::at(dir.path()).verify(&store.list().unwrap()).unwrap().sound, 41);
}

#[test]
fn what_cannot_be_sealed_or_written_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path());
    write_all(&store.place("h", "20260701T120000Z-0001"), &run());
    fs::create_dir(dir.path().join("chain.jsonl")).unwrap();
    fs::create_dir(dir.path().join(FILE)).unwrap();
    let index = Index::open(&store).unwrap();
    assert!(index.trouble().unwrap().to_string().contains("chain.jsonl: Is a directory"));
    assert_eq!(ids(&index).len(), 1);
    assert!(Index::rebuild(&store).unwrap_err().to_string().contains(FILE));
    // A link in the way of the new file is not followed.
    fs::remove_dir(dir.path().join(FILE)).unwrap();
    std::os::unix::fs::symlink(dir.path().join("aim"), dir.path().join(NEW)).unwrap();
    assert!(Index::rebuild(&store).is_err());
    assert!(!dir.path().join("aim").exists());
    let read_only = Error::Io { doing: "open", path: "".into(), source: io::ErrorKind::ReadOnlyFilesystem.into() };
    assert!(read_only.is_read_only() && !index.trouble().unwrap().is_read_only());
}

#[test]
fn a_store_that_is_not_there_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(&dir.path().join("none"));
    assert!(ids(&Index::open(&store).unwrap()).is_empty());
    assert!(!dir.path().join("none").exists());
}

#[test]
fn pruning_removes_a_run_and_the_chain_knows() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path());
    for id in ["20260701T120000Z-0001", "20260702T120000Z-0002"] {
        let run = measure::Run { id: id.into(), host: "h".into(), ..run() };
        write_all(&store.place("h", id), &run);
    }
    let runs = Index::open(&store).unwrap().runs().unwrap();
    prune(&store, &runs[0], "a test").unwrap();
    assert_eq!(ids(&Index::open(&store).unwrap()), ["20260702T120000Z-0002"]);
    let verified = Chain::at(dir.path()).verify(&store.list().unwrap()).unwrap();
    assert_eq!((verified.sound, verified.faults.len()), (1, 0));
}
