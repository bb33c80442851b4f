//! W3C Trace Context (<https://www.w3.org/TR/trace-context/>): a request that is part of a trace stays part of it in the
//! subgraphs, and one that is not begins one.

use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Longer ones may be dropped (§3.3.1.1).
const MOST_STATE: usize = 512;

/// A place in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TraceContext {
    trace: u128,
    parent: u64,
    flags: u8,
}

impl TraceContext {
    /// Our place in the trace that the request belongs to, or in a new one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let came = headers.get(TRACEPARENT).and_then(|v| v.to_str().ok()).and_then(parse);
        let own = uuid::Uuid::new_v4().as_u128();
        // The lower half of a random UUID is random but for two bits, and not zero because of them.
        let parent = own as u64;
        match came {
            Some(came) => Self { parent, ..came },
            None => Self { trace: uuid::Uuid::new_v4().as_u128(), parent, flags: 0 },
        }
    }

    /// Writes the headers for those whom we ask.
    pub(crate) fn forward(self, came: &HeaderMap, to: &mut HeaderMap) {
        let Self { trace, parent, flags } = self;
        let Ok(value) = HeaderValue::from_str(&format!("00-{trace:032x}-{parent:016x}-{flags:02x}")) else {
            return;
        };
        to.insert(TRACEPARENT, value);
        let belongs = came.get(TRACEPARENT).and_then(|v| v.to_str().ok()).and_then(parse).is_some();
        let size: usize = came.get_all(TRACESTATE).iter().map(HeaderValue::len).sum();
        if belongs && size <= MOST_STATE {
            for state in came.get_all(TRACESTATE) {
                to.append(TRACESTATE, state.clone());
            }
        }
    }
}

/// §3.2.2: version, trace-id, parent-id, flags. Of a later version the part that we know is read.
fn parse(text: &str) -> Option<TraceContext> {
    let mut parts = text.split('-');
    let mut hex = |digits: usize| {
        let part = parts.next()?;
        let fits =
            part.len() == digits && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        fits.then(|| u128::from_str_radix(part, 16).ok()).flatten()
    };
    let (version, trace, parent, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
    let over = parts.next().is_some();
    if version == 0xff || (version == 0 && over) || trace == 0 || parent == 0 {
        return None;
    }
    // Of the flags only "sampled" and "random trace id" are known (level 2).
    Some(TraceContext { trace, parent: u64::try_from(parent).ok()?, flags: u8::try_from(flags & 3).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAME: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_trace_goes_on_under_a_parent_of_our_own() {
        let came = headers(&[(TRACEPARENT, CAME), (TRACESTATE, "vendor=1")]);
        let mut sent = HeaderMap::new();
        TraceContext::of(&came).forward(&came, &mut sent);
        let parent = sent[TRACEPARENT].to_str().unwrap();
        assert!(
            parent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && parent.ends_with("-01"),
            "{parent}"
        );
        assert!(!parent.contains("00f067aa0ba902b7") && parse(parent).is_some(), "{parent}");
        assert_eq!(sent[TRACESTATE], "vendor=1");
    }

    #[test]
    fn what_is_no_trace_begins_a_new_one_and_its_state_is_dropped() {
        for bad in [
            "",
            "00-0-1-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            let came = headers(&[(TRACEPARENT, bad), (TRACESTATE, "vendor=1")]);
            let mut sent = HeaderMap::new();
            TraceContext::of(&came).forward(&came, &mut sent);
            let parent = sent[TRACEPARENT].to_str().unwrap();
            assert!(parse(parent).is_some() && !parent.contains("4bf92f3577b34da6"), "{bad}: {parent}");
            assert!(!sent.contains_key(TRACESTATE), "{bad}");
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        assert!(parse("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what").is_some());
    }
}
