use crate::model::{Challenge, Code};
use emporia_auth::same_secret;
use jiff::{SignedDuration, Timestamp};

/// So often a code may be tried.
pub(crate) const TRIES: u32 = 5;
/// Asking again sooner than this changes nothing: the first code is on its way.
const PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// Whether asking again makes another code.
pub(crate) fn asks_anew(before: &Challenge, now: Timestamp) -> bool {
    before.asked_at.saturating_add(PAUSE).is_ok_and(|next| next <= now) || before.tries >= TRIES
}

/// Counts a try, and says whether the code with this hash is the one that was sent and still holds.
pub(crate) fn try_code(challenge: &mut Challenge, hash: &str, now: Timestamp) -> bool {
    let open = challenge.tries < TRIES && now < challenge.expires_at;
    challenge.tries = challenge.tries.saturating_add(1);
    open && matches!(&challenge.code, Code::Sent(sent) if same_secret(sent, hash))
}
