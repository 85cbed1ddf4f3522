//! `${name}` substitution in option values: `${name}`, `$name`, `$$`; what is not known stays as it is
//! (spec: glusterd-interface 4.3, 4.7).

/// Substitutes once; values that come in are not looked at again.
#[must_use]
pub fn substitute(text: &str, lookup: impl Fn(&str) -> Option<String>) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        if let Some(tail) = after.strip_prefix('$') {
            result.push('$');
            rest = tail;
            continue;
        }
        match reference(after) {
            Some((name, tail)) => {
                let written_length = after.len() - tail.len();
                match lookup(name) {
                    Some(value) => result.push_str(&value),
                    None => {
                        result.push('$');
                        result.push_str(after.get(..written_length).unwrap_or_default());
                    }
                }
                rest = tail;
            }
            None => {
                result.push('$');
                rest = after;
            }
        }
    }
    result.push_str(rest);
    result
}

/// The name after a `$`, with or without braces, and what follows it.
fn reference(after: &str) -> Option<(&str, &str)> {
    if let Some(braced) = after.strip_prefix('{') {
        let (name, tail) = braced.split_once('}')?;
        return (identifier(name) == name.len() && !name.is_empty()).then_some((name, tail));
    }
    let (name, tail) = after.split_at_checked(identifier(after))?;
    (!name.is_empty()).then_some((name, tail))
}

/// Length of the identifier that the text starts with.
fn identifier(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::substitute;
    use proptest::prelude::{any, proptest};

    #[test]
    fn known_names_come_in_and_the_rest_stays() {
        let lookup = |name: &str| (name == "a").then(|| "X$a".to_owned());
        for (text, want) in [
            ("${a}/$a.x", "X$a/X$a.x"),
            ("${b}$b$$a", "${b}$b$a"),
            ("$ ${ ${} ${1} $1", "$ ${ ${} ${1} $1"),
            ("%Y%m", "%Y%m"),
            ("end$", "end$"),
        ] {
            assert_eq!(substitute(text, lookup), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in any::<String>()) {
            let _result = substitute(&text, |_| None);
        }
    }
}
