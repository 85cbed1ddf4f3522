//! The two vocabularies: release 10 renamed master and slave to primary and secondary, in names of options, of
//! commands and of what they print (spec: glusterd-interface 0).

/// A name in primary/secondary words.
#[must_use]
pub fn modern(name: &str) -> String {
    name.replace("master", "primary").replace("slave", "secondary")
}

/// A name as releases before 10 have it.
#[must_use]
pub fn old(name: &str) -> String {
    name.replace("primary", "master").replace("secondary", "slave")
}
