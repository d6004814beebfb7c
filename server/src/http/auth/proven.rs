//! Credentials that were right before.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::caller::Caller;
use super::credentials::Credentials;

/// How long credentials are trusted without another check. A changed password or a removed account
/// takes effect after this time at the latest.
const TRUST_PERIOD: Duration = Duration::from_secs(30);
/// How many proofs of an account are kept. An account has one password or token at a time, so this
/// is more than it needs.
const PROOFS_PER_ACCOUNT: usize = 4;

/// A hash of credentials, with a key of this process.
pub(super) type Proof = [u8; 32];

/// Credentials that were right since the service started, as hashes: memory holds no password.
/// After [`TRUST_PERIOD`] they are checked again, before those of strangers. Each account has room
/// of its own, so no account can evict the proofs of another.
pub(super) struct Proven {
    key: [u8; 32],
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    proofs: HashMap<Proof, (Caller, Instant)>,
    /// The proofs of each account by its name, oldest first.
    by_account: HashMap<String, VecDeque<Proof>>,
}

impl Proven {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self { key, known: Mutex::default() }
    }

    /// The proof of credentials.
    pub(super) fn proof(&self, credentials: &Credentials) -> Proof {
        let (kind, text) = match credentials {
            Credentials::Basic(text) => (b'p', text),
            Credentials::Bearer(token) => (b't', token),
        };
        Sha256::new().chain_update(self.key).chain_update([kind]).chain_update(text.as_bytes()).finalize().into()
    }

    /// The account of these credentials, if they are still trusted.
    pub(super) fn trusted(&self, proof: &Proof) -> Option<Caller> {
        let known = self.known.lock().ok()?;
        let (caller, since) = known.proofs.get(proof)?;
        (since.elapsed() < TRUST_PERIOD).then(|| caller.clone())
    }

    /// Whether the credentials were right at their last check.
    pub(super) fn contains(&self, proof: &Proof) -> bool {
        self.known.lock().is_ok_and(|known| known.proofs.contains_key(proof))
    }

    /// Trusts the credentials from now on.
    pub(super) fn insert(&self, proof: Proof, caller: Caller) {
        let Ok(mut known) = self.known.lock() else { return };
        let known = &mut *known;
        let own = known.by_account.entry(caller.name.clone()).or_default();
        own.retain(|other| *other != proof);
        own.push_back(proof);
        if own.len() > PROOFS_PER_ACCOUNT
            && let Some(oldest) = own.pop_front()
        {
            known.proofs.remove(&oldest);
        }
        known.proofs.insert(proof, (caller, Instant::now()));
    }

    /// Forgets credentials that are not right any more.
    pub(super) fn remove(&self, proof: &Proof) {
        let Ok(mut known) = self.known.lock() else { return };
        let Some((caller, _)) = known.proofs.remove(proof) else { return };
        if let Some(own) = known.by_account.get_mut(&caller.name) {
            own.retain(|other| other != proof);
            if own.is_empty() {
                known.by_account.remove(&caller.name);
            }
        }
    }

    /// How many proofs are kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let known = self.known.lock().unwrap();
        assert_eq!(known.by_account.values().map(VecDeque::len).sum::<usize>(), known.proofs.len());
        known.proofs.len()
    }

    /// Ends the trust in all of them.
    #[cfg(test)]
    pub(super) fn expire_all(&self) {
        let mut known = self.known.lock().unwrap();
        known.proofs.values_mut().for_each(|(_, since)| *since = since.checked_sub(TRUST_PERIOD).unwrap());
    }
}

#[cfg(test)]
mod tests {
    use keyfob_scim::Roles;
    use zeroize::Zeroizing;

    use super::*;

    fn caller(name: &str) -> Caller {
        Caller { name: name.to_owned(), roles: Roles::VERIFY }
    }

    fn basic(text: &str) -> Credentials {
        Credentials::Basic(Zeroizing::new(text.to_owned()))
    }

    #[test]
    fn account_evicts_its_own_oldest_proof_and_those_of_no_other() {
        let proven = Proven::new([7; 32]);
        let other = proven.proof(&basic("other:password"));
        proven.insert(other, caller("other"));
        let proofs: Vec<_> = (0..20_000).map(|number| proven.proof(&basic(&format!("one:{number}")))).collect();
        for proof in &proofs {
            proven.insert(*proof, caller("one"));
        }
        assert_eq!(proven.len(), 1 + PROOFS_PER_ACCOUNT);
        assert_eq!(proven.trusted(&other), Some(caller("other")));
        let kept: Vec<_> = proofs.iter().filter(|proof| proven.contains(proof)).collect();
        assert_eq!(kept, proofs[proofs.len() - PROOFS_PER_ACCOUNT..].iter().collect::<Vec<_>>());
    }

    #[test]
    fn proof_that_was_right_again_is_not_the_oldest() {
        let proven = Proven::new([7; 32]);
        let proofs: Vec<_> = (0..=PROOFS_PER_ACCOUNT).map(|number| proven.proof(&basic(&format!("one:{number}")))).collect();
        for proof in &proofs[..PROOFS_PER_ACCOUNT] {
            proven.insert(*proof, caller("one"));
        }
        proven.insert(proofs[0], caller("one"));
        proven.insert(proofs[PROOFS_PER_ACCOUNT], caller("one"));
        assert!(proven.contains(&proofs[0]) && !proven.contains(&proofs[1]));
        for proof in &proofs {
            proven.remove(proof);
        }
        assert!(proven.len() == 0 && proven.known.lock().unwrap().by_account.is_empty());
    }

    #[test]
    fn expired_proof_was_right_all_the_same() {
        let proven = Proven::new([7; 32]);
        let proof = proven.proof(&basic("one:password"));
        assert!(!proven.contains(&proof));
        proven.insert(proof, caller("one"));
        proven.expire_all();
        assert!(proven.contains(&proof) && proven.trusted(&proof).is_none());
        proven.insert(proof, caller("one"));
        assert_eq!(proven.trusted(&proof), Some(caller("one")));
    }

    #[test]
    fn password_and_token_of_the_same_text_have_two_proofs() {
        let proven = Proven::new([7; 32]);
        let token = Credentials::Bearer(Zeroizing::new("one:password".to_owned()));
        assert_ne!(proven.proof(&basic("one:password")), proven.proof(&token));
        assert_ne!(proven.proof(&token), Proven::new([8; 32]).proof(&token));
    }
}
