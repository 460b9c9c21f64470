//! The inventory of the host that the tests run on: whatever it is, the basic facts are there and agree.

use std::path::Path;

use machine::inventory::inspect;

#[test]
fn the_running_host_has_the_basic_facts() {
    let facts = inspect(Path::new("/"));
    let number = |id: &str| facts.number(id).unwrap_or_else(|| panic!("{id}: {:?}", facts.0.get(id)));
    assert!(number("cpu.threads") >= number("cpu.cores"));
    assert!(number("cpu.cores") >= number("cpu.sockets"));
    assert!(number("memory.total") > 1e6);
    assert!(number("os.file_handles") >= 1.0);
    assert!(facts.value("os.kernel").is_some());
}
