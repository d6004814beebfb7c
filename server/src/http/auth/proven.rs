//! Credentials that were right before.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::Who;
use super::credentials::Credentials;

/// How long credentials are believed. A changed password or a removed account takes effect after
/// this time at the latest.
const BELIEVED: Duration = Duration::from_secs(30);
/// How many credentials of one account are kept, the latest. It has one password or token at a
/// time, so these are more than needed.
const EACH: usize = 4;

/// A hash of credentials, with a key of this process.
pub(super) type Proof = [u8; 32];

/// Credentials that were right since the service was started, as hashes, so that memory holds no
/// password. Those that are not believed any more are checked again, before those of strangers.
/// There are as many as accounts, and no account can push out those of another.
pub(super) struct Proven {
    key: [u8; 32],
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    proofs: HashMap<Proof, (Who, Instant)>,
    /// The proofs of each account by its name, the latest last.
    of: HashMap<String, VecDeque<Proof>>,
}

impl Proven {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self { key, known: Mutex::default() }
    }

    /// What stands for credentials.
    pub(super) fn proof(&self, credentials: &Credentials) -> Proof {
        let (kind, text) = match credentials {
            Credentials::Basic(text) => (b'p', text),
            Credentials::Bearer(token) => (b't', token),
        };
        Sha256::new().chain_update(self.key).chain_update([kind]).chain_update(text.as_bytes()).finalize().into()
    }

    /// Whose credentials these are, if they are still believed.
    pub(super) fn believed(&self, proof: &Proof) -> Option<Who> {
        let known = self.known.lock().ok()?;
        let (who, since) = known.proofs.get(proof)?;
        (since.elapsed() < BELIEVED).then(|| who.clone())
    }

    /// Whether they were right when they were checked last.
    pub(super) fn were_right(&self, proof: &Proof) -> bool {
        self.known.lock().is_ok_and(|known| known.proofs.contains_key(proof))
    }

    /// Believes them from now on.
    pub(super) fn right(&self, proof: Proof, who: Who) {
        let Ok(mut known) = self.known.lock() else { return };
        let known = &mut *known;
        let of = known.of.entry(who.name.clone()).or_default();
        of.retain(|other| *other != proof);
        of.push_back(proof);
        if of.len() > EACH
            && let Some(oldest) = of.pop_front()
        {
            known.proofs.remove(&oldest);
        }
        known.proofs.insert(proof, (who, Instant::now()));
    }

    /// Forgets them: they are not right any more.
    pub(super) fn wrong(&self, proof: &Proof) {
        let Ok(mut known) = self.known.lock() else { return };
        let Some((who, _)) = known.proofs.remove(proof) else { return };
        if let Some(of) = known.of.get_mut(&who.name) {
            of.retain(|other| other != proof);
            if of.is_empty() {
                known.of.remove(&who.name);
            }
        }
    }

    /// How many are kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let known = self.known.lock().unwrap();
        assert_eq!(known.of.values().map(VecDeque::len).sum::<usize>(), known.proofs.len());
        known.proofs.len()
    }

    /// Believes none any more.
    #[cfg(test)]
    pub(super) fn age(&self) {
        let mut known = self.known.lock().unwrap();
        known.proofs.values_mut().for_each(|(_, since)| *since = since.checked_sub(BELIEVED).unwrap());
    }
}

#[cfg(test)]
mod tests {
    use keyfob_scim::Roles;
    use zeroize::Zeroizing;

    use super::*;

    fn who(name: &str) -> Who {
        Who { name: name.to_owned(), roles: Roles::VERIFY }
    }

    fn basic(text: &str) -> Credentials {
        Credentials::Basic(Zeroizing::new(text.to_owned()))
    }

    #[test]
    fn an_account_pushes_out_its_own_oldest_and_those_of_no_other() {
        let proven = Proven::new([7; 32]);
        let other = proven.proof(&basic("other:password"));
        proven.right(other, who("other"));
        let proofs: Vec<_> = (0..20_000).map(|number| proven.proof(&basic(&format!("one:{number}")))).collect();
        for proof in &proofs {
            proven.right(*proof, who("one"));
        }
        assert_eq!(proven.len(), 1 + EACH);
        assert_eq!(proven.believed(&other), Some(who("other")));
        let kept: Vec<_> = proofs.iter().filter(|proof| proven.were_right(proof)).collect();
        assert_eq!(kept, proofs[proofs.len() - EACH..].iter().collect::<Vec<_>>());
    }

    #[test]
    fn what_was_right_again_is_not_the_oldest_any_more() {
        let proven = Proven::new([7; 32]);
        let proofs: Vec<_> = (0..=EACH).map(|number| proven.proof(&basic(&format!("one:{number}")))).collect();
        for proof in &proofs[..EACH] {
            proven.right(*proof, who("one"));
        }
        proven.right(proofs[0], who("one"));
        proven.right(proofs[EACH], who("one"));
        assert!(proven.were_right(&proofs[0]) && !proven.were_right(&proofs[1]));
        for proof in &proofs {
            proven.wrong(proof);
        }
        assert!(proven.len() == 0 && proven.known.lock().unwrap().of.is_empty());
    }

    #[test]
    fn what_is_not_believed_any_more_was_right_all_the_same() {
        let proven = Proven::new([7; 32]);
        let proof = proven.proof(&basic("one:password"));
        assert!(!proven.were_right(&proof));
        proven.right(proof, who("one"));
        proven.age();
        assert!(proven.were_right(&proof) && proven.believed(&proof).is_none());
        proven.right(proof, who("one"));
        assert_eq!(proven.believed(&proof), Some(who("one")));
    }

    #[test]
    fn a_password_and_a_token_of_the_same_text_are_two() {
        let proven = Proven::new([7; 32]);
        let token = Credentials::Bearer(Zeroizing::new("one:password".to_owned()));
        assert_ne!(proven.proof(&basic("one:password")), proven.proof(&token));
        assert_ne!(proven.proof(&token), Proven::new([8; 32]).proof(&token));
    }
}
