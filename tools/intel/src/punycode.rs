//! Names in letters of other scripts, as DNS has them: `bücher.example` is asked for as `xn--bcher-kva.example` (RFC 3492, 5890).

const BASE: u32 = 36;
const T_MIN: u32 = 1;
const T_MAX: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;
const INITIAL_BIAS: u32 = 72;
const INITIAL_N: u32 = 128;

/// A name whose labels are letters and digits of any script, in letters of ASCII; nothing when one of them has something else,
/// as a letter with its accent apart.
pub(crate) fn to_ascii(name: &str) -> Option<String> {
    let labels: Option<Vec<String>> = name.to_lowercase().split('.').map(label).collect();
    labels.map(|labels| labels.join("."))
}

fn label(label: &str) -> Option<String> {
    if label.is_ascii() {
        return Some(label.to_owned());
    }
    let sound = label.chars().all(|c| c.is_alphanumeric() || c == '-');
    sound.then(|| encode(label)).flatten().map(|encoded| format!("xn--{encoded}"))
}

/// RFC 3492 § 6.3.
fn encode(label: &str) -> Option<String> {
    let points: Vec<u32> = label.chars().map(u32::from).collect();
    let mut out: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(out.len()).ok()?;
    if basic != 0 {
        out.push('-');
    }
    let (mut n, mut delta, mut bias, mut done) = (INITIAL_N, 0u32, INITIAL_BIAS, basic);
    while let Some(next) = points.iter().copied().filter(|point| *point >= n).min() {
        delta = delta.checked_add(next.checked_sub(n)?.checked_mul(done.checked_add(1)?)?)?;
        n = next;
        for point in &points {
            if *point < n {
                delta = delta.checked_add(1)?;
            }
            if *point == n {
                number(delta, bias, &mut out)?;
                let each = done.checked_add(1)?;
                bias = adapt(delta, each, done == basic);
                (delta, done) = (0, each);
            }
        }
        delta = delta.checked_add(1)?;
        n = n.checked_add(1)?;
    }
    Some(out)
}

/// Writes a number in digits of varying worth.
fn number(mut rest: u32, bias: u32, out: &mut String) -> Option<()> {
    let mut k = BASE;
    loop {
        let t = k.saturating_sub(bias).clamp(T_MIN, T_MAX);
        if rest < t {
            out.push(digit(rest)?);
            return Some(());
        }
        let (over, range) = (rest.checked_sub(t)?, BASE.checked_sub(t)?);
        out.push(digit(t.checked_add(over.checked_rem(range)?)?)?);
        rest = over.checked_div(range)?;
        k = k.checked_add(BASE)?;
    }
}

/// RFC 3492 § 6.1.
fn adapt(delta: u32, points: u32, is_first: bool) -> u32 {
    let mut delta = if is_first { delta / DAMP } else { delta / 2 };
    delta = delta.saturating_add(delta.checked_div(points).unwrap_or(0));
    let mut k = 0u32;
    while delta > (BASE - T_MIN) * T_MAX / 2 {
        delta /= BASE - T_MIN;
        k = k.saturating_add(BASE);
    }
    let over = (BASE - T_MIN + 1).saturating_mul(delta).checked_div(delta.saturating_add(SKEW)).unwrap_or(0);
    k.saturating_add(over)
}

/// a to z, 0 to 9.
fn digit(number: u32) -> Option<char> {
    char::from_digit(number.checked_add(10).filter(|number| *number < 36).or(number.checked_sub(26))?, 36)
}

#[cfg(test)]
mod tests {
    use super::to_ascii;

    #[test]
    fn names_as_the_registries_have_them() {
        for (name, expected) in [
            ("bücher.example", Some("xn--bcher-kva.example")),
            ("BÜCHER.Example", Some("xn--bcher-kva.example")),
            ("münchen.de", Some("xn--mnchen-3ya.de")),
            ("пример.испытание", Some("xn--e1afmkfd.xn--80akhbyknj4f")),
            ("例え.テスト", Some("xn--r8jz45g.xn--zckzah")),
            ("中国.cn", Some("xn--fiqs8s.cn")),
            ("παράδειγμα.δοκιμή", Some("xn--hxajbheg2az3al.xn--jxalpdlp")),
            ("3年b組金八先生", Some("xn--3b-ww4c5e180e575a65lsy2b")),
            ("example.com", Some("example.com")),
            ("u\u{308}ber.de", None),
            ("a b\u{fc}.de", None),
            ("\u{1f600}.de", None),
        ] {
            assert_eq!(to_ascii(name).as_deref(), expected, "{name}");
        }
    }
}
