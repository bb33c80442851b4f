//! Codes of authenticator apps.

use emporia_auth::TotpSecret;
use jiff::{SignedDuration, Timestamp};

#[test]
fn the_codes_are_those_of_the_standard() {
    // RFC 6238, appendix B: the secret "12345678901234567890"; six of its eight digits.
    let secret = TotpSecret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
    for (second, code) in
        [(59, "287082"), (1_111_111_109, "081804"), (1_111_111_111, "050471"), (1_234_567_890, "005924")]
    {
        let at = Timestamp::from_second(second).unwrap();
        let step = u64::try_from(second).unwrap() / 30;
        assert_eq!(secret.step_of(code, at), Some(step), "{code}");
        let spaced = format!("{} {}", &code[..3], &code[3..]);
        assert_eq!(secret.step_of(&spaced, at), Some(step));
        for (shift, known) in [(30, true), (-30, true), (90, false), (-90, false)] {
            let later = at + SignedDuration::from_secs(shift);
            assert_eq!(secret.step_of(code, later).is_some(), known, "{code} {shift}");
        }
        for wrong in ["", "000000", &code[..5], &format!("{code}0"), "28708a", "٢٨٧٠٨٢"] {
            assert_eq!(secret.step_of(wrong, at), None, "{wrong}");
        }
    }
}

#[test]
fn secrets_differ_are_read_again_and_do_not_print_themselves() {
    let (a, b) = (TotpSecret::generate(), TotpSecret::generate());
    assert_ne!(a.to_base32(), b.to_base32());
    assert_eq!(a.to_base32().len(), 32, "160 bits");
    assert_eq!(TotpSecret::from_base32(a.to_base32()).unwrap().to_base32(), a.to_base32());
    let uri = a.uri("My: Shop", "ada@example.com").unwrap();
    assert!(uri.starts_with("otpauth://totp/My%20Shop") && uri.contains(a.to_base32()), "{}", *uri);
    assert!(!format!("{a:?}").contains(a.to_base32()));
    for wrong in ["", "1", "not base 32!", "GEZDGNBV"] {
        assert!(TotpSecret::from_base32(wrong).is_err(), "{wrong}");
    }
}
