//! HMAC-SHA-256 (RFC 2104), with the key's own two blocks hashed once.
use sha2::{Digest, Sha256};

pub const KEY_BYTES_MIN: usize = 16;
const BLOCK_BYTES: usize = 64;

/// A key with which texts are checked.
#[derive(Clone)]
pub struct Keyed {
    inner: Sha256,
    outer: Sha256,
}

impl Keyed {
    /// None for a key shorter than [`KEY_BYTES_MIN`]: it could be guessed.
    pub fn new(key: &[u8]) -> Option<Keyed> {
        if key.len() < KEY_BYTES_MIN {
            return None;
        }
        let mut block = [0; BLOCK_BYTES];
        if key.len() > BLOCK_BYTES {
            let digest: [u8; 32] = Sha256::digest(key).into();
            block[..digest.len()].copy_from_slice(&digest);
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        // The key's block under two masks, before the message and before that hash.
        Some(Keyed {
            inner: Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)),
            outer: Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)),
        })
    }

    pub fn digest(&self, message: &[u8]) -> [u8; 32] {
        let inner = self.inner.clone().chain_update(message).finalize();
        self.outer.clone().chain_update(inner).finalize().into()
    }
}

/// Whether two texts are the same. All of both is always compared, so that the time taken tells nothing about the right one.
pub fn same(ours: &[u8], theirs: &[u8]) -> bool {
    ours.len() == theirs.len()
        && ours
            .iter()
            .zip(theirs)
            .fold(0, |seen, (ours, theirs)| seen | (ours ^ theirs))
            == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_hmac_of_rfc_4231() {
        let keyed = Keyed::new(&[0x0b; 20]).unwrap();

        assert_eq!(
            keyed.digest(b"Hi There")[..8],
            [0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53]
        );
        let long = Keyed::new(&[0xaa; 131]).unwrap();
        assert_eq!(
            long.digest(b"Test Using Larger Than Block-Size Key - Hash Key First")[..4],
            [0x60, 0xe4, 0x31, 0x59]
        );
    }

    #[test]
    fn a_key_that_could_be_guessed_is_none() {
        assert!(Keyed::new(&[1; KEY_BYTES_MIN - 1]).is_none());
    }
}
