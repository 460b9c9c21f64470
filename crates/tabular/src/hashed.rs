//! SHA-256 of files, while they are written and afterwards.

use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::regular_file;

/// A writer that hands everything on, hashes and counts it.
pub(crate) struct Hashed<W> {
    pub(crate) inner: W,
    pub(crate) bytes: u64,
    hash: Sha256,
}

impl<W> Hashed<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, bytes: 0, hash: Sha256::new() }
    }

    /// The hash of all that was written, in hexadecimal.
    pub(crate) fn sha256(self) -> String {
        hex::encode(self.hash.finalize())
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The hash of a file, in hexadecimal.
pub(crate) fn sha256_of(path: &Path) -> io::Result<String> {
    let mut hashed = Hashed::new(io::sink());
    io::copy(&mut io::BufReader::with_capacity(1 << 20, regular_file::open(path)?), &mut hashed)?;
    Ok(hashed.sha256())
}
