//! A dossier: the files that a verdict rests on, in one archive of which no byte can be changed unnoticed.
//!
//! It is a tar in a frame of zstd, so that `tar --zstd -x` reads it without this program. Behind it stands a skippable
//! frame (RFC 8878, §3.1.2), which other programs pass over: the seal. It holds the SHA-256 of every byte before it and,
//! where somebody signed, the public key and the Ed25519 signature (RFC 8032) over that digest.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path};

use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use measure::binary_bytes;

use crate::Error;

/// The first bytes of a skippable frame.
const FRAME: [u8; 4] = 0x184D_2A50_u32.to_le_bytes();
/// The first bytes of what is in it; the number is the version of the format.
const SEAL: &[u8; 16] = b"hostproof-seal-1";
const DIGEST: usize = 32;
const KEY: usize = ed25519_dalek::PUBLIC_KEY_LENGTH;
const SIGNATURE: usize = ed25519_dalek::SIGNATURE_LENGTH;
/// Bytes of the frame's head: its first bytes and the length of the rest.
const HEAD: usize = 8;
const UNSIGNED: usize = SEAL.len() + DIGEST;
const SIGNED: usize = UNSIGNED + KEY + SIGNATURE;
/// Records are text, which this level packs about twenty times; higher ones are slow for little.
const LEVEL: i32 = 9;
/// What an archive may unpack to at most: a small file that unpacks without end is not read to its end.
pub const MOST: u64 = 4 << 30;
/// Bytes that are hashed at a time.
const CHUNK: usize = 64 << 10;

/// Files by their paths in the archive.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What was in a dossier whose seal is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The files.
    pub files: Files,
    /// The SHA-256 of the archive, in hexadecimal.
    pub sha256: String,
    /// Who signed it, where somebody did.
    pub signer: Option<PublicKey>,
}

/// A key that signs.
#[derive(Debug)]
pub struct SecretKey(SigningKey);

/// The key that a signature is checked by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl SecretKey {
    /// Reads PKCS#8 in PEM, as `openssl genpkey -algorithm ed25519` writes it.
    pub fn read(path: &Path) -> Result<SecretKey, Error> {
        let wrong =
            |_| Error::Key { path: path.to_owned(), kind: "private", make: "openssl genpkey -algorithm ed25519" };
        Ok(SecretKey(SigningKey::from_pkcs8_pem(&text(path)?).map_err(wrong)?))
    }
}

impl PublicKey {
    /// Reads a public key in PEM, as `openssl pkey -pubout` writes it.
    pub fn read(path: &Path) -> Result<PublicKey, Error> {
        let wrong = |_| Error::Key { path: path.to_owned(), kind: "public", make: "openssl pkey -in KEY -pubout" };
        Ok(PublicKey(VerifyingKey::from_public_key_pem(&text(path)?).map_err(wrong)?))
    }

    /// The key itself in hexadecimal.
    #[must_use]
    pub fn hex(&self) -> String {
        hex::encode(self.0.as_bytes())
    }
}

fn text(path: &Path) -> Result<String, Error> {
    crate::input::read_text(path)
}

/// Packs files. The same files give the same bytes; a signature by the same key too.
pub fn pack(files: &Files, key: Option<&SecretKey>) -> Result<Vec<u8>, Error> {
    let bytes = zstd::encode_all(archive(files).map_err(unpacked)?.as_slice(), LEVEL).map_err(unpacked)?;
    Ok(sealed(bytes, key))
}

fn sealed(mut bytes: Vec<u8>, key: Option<&SecretKey>) -> Vec<u8> {
    let digest = Sha256::digest(&bytes);
    let mut seal = [SEAL.as_slice(), digest.as_slice()].concat();
    if let Some(SecretKey(key)) = key {
        seal.extend(key.verifying_key().as_bytes());
        seal.extend(key.sign(&statement(&digest)).to_bytes());
    }
    bytes.extend(FRAME);
    bytes.extend(u32::try_from(seal.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend(seal);
    bytes
}

fn archive(files: &Files) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        archive.append_data(&mut header, path, content.as_slice())?;
    }
    archive.into_inner()
}

/// What is signed: the digest, and what it is a digest of, so that the signature speaks of nothing else.
fn statement(digest: &[u8]) -> Vec<u8> {
    [SEAL.as_slice(), digest].concat()
}

/// Opens a dossier that unpacks to `most` bytes at most. It is read as it lies there, and one whose bytes are not those that
/// were sealed is refused before anything is unpacked.
pub fn open(source: &mut (impl Read + Seek), most: u64) -> Result<Opened, Error> {
    let (length, seal) = seal(source)
        .map_err(unpacked)?
        .ok_or_else(|| wrong("it has no seal at its end: it was cut, or is no dossier"))?;
    let (told, signature) = seal.split_at(DIGEST);
    let digest = digest(source, length).map_err(unpacked)?;
    if digest != told {
        return Err(wrong("its bytes are not those that were sealed"));
    }
    let signer = if signature.is_empty() { None } else { Some(signer(&digest, signature)?) };
    source.rewind().map_err(unpacked)?;
    Ok(Opened { files: unpack(source.take(length), most)?, sha256: hex::encode(digest), signer })
}

/// The length of the archive, and what the frame behind it holds after its mark.
fn seal(source: &mut (impl Read + Seek)) -> io::Result<Option<(u64, Vec<u8>)>> {
    let length = source.seek(SeekFrom::End(0))?;
    for size in [SIGNED, UNSIGNED] {
        let Some(archive) = length.checked_sub((HEAD + size) as u64) else { continue };
        source.seek(SeekFrom::Start(archive))?;
        let mut frame = vec![0; HEAD + size];
        source.read_exact(&mut frame)?;
        let head = [FRAME, u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes()].concat();
        if let Some(seal) = frame.strip_prefix(head.as_slice()).and_then(|seal| seal.strip_prefix(SEAL.as_slice())) {
            return Ok(Some((archive, seal.to_vec())));
        }
    }
    Ok(None)
}

fn digest(source: &mut (impl Read + Seek), length: u64) -> io::Result<Vec<u8>> {
    source.rewind()?;
    let (mut hash, mut rest, mut chunk) = (Sha256::new(), source.take(length), vec![0; CHUNK]);
    loop {
        match rest.read(&mut chunk)? {
            0 => return Ok(hash.finalize().to_vec()),
            read => hash.update(&chunk[..read]),
        }
    }
}

fn signer(digest: &[u8], signed: &[u8]) -> Result<PublicKey, Error> {
    let (key, signature) = signed.split_at(KEY);
    let key: Option<[u8; KEY]> = key.try_into().ok();
    let key = key.and_then(|key| VerifyingKey::from_bytes(&key).ok()).ok_or_else(|| wrong("malformed public key"))?;
    let signature = Signature::from_slice(signature).map_err(|_| wrong("malformed signature"))?;
    let checked = key.verify_strict(&statement(digest), &signature);
    checked.map_err(|_| wrong("its signature is not by the key that it names"))?;
    Ok(PublicKey(key))
}

fn unpack(archive: impl Read, most: u64) -> Result<Files, Error> {
    // One byte more tells what is too much from what ends there.
    let stream = zstd::Decoder::new(archive).map_err(unpacked)?.take(most.saturating_add(1));
    let mut left = most;
    let mut archive = tar::Archive::new(stream);
    let mut files = Files::new();
    for entry in archive.entries().map_err(unpacked)? {
        let mut entry = entry.map_err(unpacked)?;
        let path = entry.path().map_err(unpacked)?.into_owned();
        let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        let Some(name) = path.to_str().filter(|_| plain && entry.header().entry_type().is_file()) else {
            return Err(wrong(&format!("`{}` in it is no plain file", path.display())));
        };
        left = left.checked_sub(entry.size()).ok_or_else(|| {
            wrong(&format!(
                "it unpacks to more than {}, which is the most that this host has memory for",
                binary_bytes(most as f64)
            ))
        })?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(unpacked)?;
        if files.insert(name.to_owned(), content).is_some() {
            return Err(wrong(&format!("it holds `{name}` twice")));
        }
    }
    Ok(files)
}

fn wrong(what: &str) -> Error {
    Error::Dossier(what.to_owned())
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that map_err wants")]
fn unpacked(error: io::Error) -> Error {
    Error::Dossier(format!("it cannot be packed or unpacked: {error}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use proptest::prelude::*;

    fn files() -> Files {
        let long = format!("runs/{}/run.jsonl", "x".repeat(120));
        let random: Vec<u8> =
            (0..2000_u32).map(|n| u8::try_from(n.wrapping_mul(2_654_435_761) >> 24).unwrap()).collect();
        [("README.txt".to_owned(), b"text\n".to_vec()), (long, random), ("empty".to_owned(), Vec::new())].into()
    }

    fn opened(bytes: &[u8]) -> Result<Opened, Error> {
        open(&mut io::Cursor::new(bytes), MOST)
    }

    fn key() -> SecretKey {
        SecretKey(SigningKey::from_bytes(&[7; 32]))
    }

    #[test]
    fn what_was_packed_is_opened_and_always_the_same() {
        for key in [None, Some(key())] {
            let bytes = pack(&files(), key.as_ref()).unwrap();
            assert_eq!(bytes, pack(&files(), key.as_ref()).unwrap());
            let opened = opened(&bytes).unwrap();
            assert_eq!(opened.files, files());
            let by = key.map(|SecretKey(key)| PublicKey(key.verifying_key()));
            assert_eq!(opened.signer, by);
        }
    }

    #[test]
    fn what_unpacks_to_more_than_there_is_memory_for_is_refused() {
        let files = Files::from([("a".to_owned(), vec![0; 3000]), ("b".to_owned(), vec![0; 3000])]);
        let bytes = pack(&files, None).unwrap();
        assert!(bytes.len() < 500, "{}", bytes.len());
        let check = |most: u64, good: bool| {
            let opened = open(&mut io::Cursor::new(&bytes), most).map_err(|error| error.to_string());
            match opened {
                Ok(opened) => assert!(good && opened.files == files, "{most}"),
                Err(error) => assert!(!good && (error.contains("memory for") || error.contains("unpacked")), "{error}"),
            }
        };
        check(0, false);
        check(2999, false);
        check(5999, false);
        check(20_000, true);
        check(u64::MAX, true);
    }

    #[test]
    fn other_programs_read_the_archive_and_pass_over_the_seal() {
        let bytes = pack(&files(), Some(&key())).unwrap();
        assert_eq!(zstd::decode_all(bytes.as_slice()).unwrap(), archive(&files()).unwrap());
    }

    #[test]
    fn a_dossier_disturbed_at_any_byte_is_refused() {
        for key in [None, Some(key())] {
            let bytes = pack(&files(), key.as_ref()).unwrap();
            for at in 0..bytes.len() {
                for bit in 0..8 {
                    let mut disturbed = bytes.clone();
                    disturbed[at] ^= 1 << bit;
                    assert!(opened(&disturbed).is_err(), "bit {bit} of byte {at} of {}", bytes.len());
                }
                assert!(opened(&bytes[..at]).is_err(), "cut at {at}");
                let more = [&bytes[..at], &[0], &bytes[at..]].concat();
                assert!(opened(&more).is_err(), "a byte put in at {at}");
            }
            assert!(opened(&[bytes.as_slice(), &[0]].concat()).is_err(), "a byte more");
        }
    }

    /// 10^4 archives that were changed before they were sealed, packed and unpacked. None may panic, and none takes a second.
    #[test]
    fn mutated_archives_behind_a_whole_seal_are_opened_or_refused() {
        let tar = archive(&files()).unwrap();
        let packed = zstd::encode_all(tar.as_slice(), 1).unwrap();
        let mut random = measure::random::SplitMix64::new(9);
        let mut pick = |end: usize| usize::try_from(random.below(end as u64)).unwrap();
        let mut read = 0;
        for _ in 0..10_000 {
            let is_inside = pick(2) == 0;
            let mut bytes = if is_inside { tar.clone() } else { packed.clone() };
            for _ in 0..=pick(3) {
                // As often in the first header as anywhere.
                let end = if pick(2) == 0 { bytes.len().min(512) } else { bytes.len() };
                let (at, to) = (pick(end.max(1)), pick(end.max(1)));
                match pick(3) {
                    _ if bytes.is_empty() => {}
                    0 => bytes[at] ^= 1 << pick(8),
                    1 => bytes[at] = b"0179\0/. x\xff"[pick(10)],
                    _ => drop(bytes.drain(at.min(to)..=at.max(to))),
                }
            }
            let bytes = if is_inside { zstd::encode_all(bytes.as_slice(), 1).unwrap() } else { bytes };
            let before = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
            read += usize::from(open(&mut io::Cursor::new(sealed(bytes, None)), 1 << 20).is_ok());
            let took = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime) - before;
            assert!(took.tv_sec < 1);
        }
        assert!((100..9_900).contains(&read), "some are still read, some are not: {read}");
    }

    #[test]
    fn a_signature_by_another_key_is_refused() {
        let bytes = pack(&files(), Some(&key())).unwrap();
        let mut forged = bytes.clone();
        let other = SigningKey::from_bytes(&[8; 32]).verifying_key();
        let at = bytes.len() - SIGNATURE - KEY;
        forged[at..at + KEY].copy_from_slice(other.as_bytes());
        assert!(opened(&forged).unwrap_err().to_string().contains("not by the key"), "{:?}", opened(&forged));
    }

    #[test]
    fn what_is_no_plain_file_is_refused() {
        let check = |path: &str, kind: tar::EntryType, expect: &str| {
            let mut header = tar::Header::new_gnu();
            header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(kind);
            header.set_size(0);
            header.set_cksum();
            let mut archive = tar::Builder::new(Vec::new());
            archive.append(&header, io::empty()).unwrap();
            archive.append(&header, io::empty()).unwrap();
            let packed = zstd::encode_all(archive.into_inner().unwrap().as_slice(), 1).unwrap();
            let error = unpack(packed.as_slice(), MOST).unwrap_err().to_string();
            assert!(error.contains(expect), "{path}: {error}");
        };
        check("../evil", tar::EntryType::Regular, "no plain file");
        check("/etc/passwd", tar::EntryType::Regular, "no plain file");
        check("link", tar::EntryType::Symlink, "no plain file");
        check("file", tar::EntryType::Regular, "twice");
    }

    #[test]
    fn keys_are_those_of_openssl() {
        // RFC 8410, §10.3 and §10.1.
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, kind: &str, body: &str| {
            let path = dir.path().join(name);
            fs::write(&path, format!("-----BEGIN {kind} KEY-----\n{body}\n-----END {kind} KEY-----\n")).unwrap();
            path
        };
        let secret = write("secret", "PRIVATE", "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC");
        let public = write("public", "PUBLIC", "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=");
        let opened = opened(&pack(&files(), Some(&SecretKey::read(&secret).unwrap())).unwrap()).unwrap();
        assert_eq!(opened.signer, Some(PublicKey::read(&public).unwrap()));
        assert!(SecretKey::read(&public).unwrap_err().to_string().contains("genpkey"));
        assert!(PublicKey::read(&secret).unwrap_err().to_string().contains("pubout"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_opened_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(opened(&bytes).is_err());
            // Behind a whole seal, too, nothing of what is unpacked is trusted.
            let _ = unpack(bytes.as_slice(), MOST);
        }
    }
}
