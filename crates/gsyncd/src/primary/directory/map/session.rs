//! What is on record about a session.

/// How far the first sync is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Nothing was ever said to this secondary.
    #[default]
    New,
    /// The first sync onto nothing was begun.
    Filling,
    /// The first sync over an existing copy was begun: it is compared from the start again.
    Adopting,
    /// The secondary has had everything once.
    Complete,
}

/// The session's own facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionState {
    /// The id of the primary's tree, random, made with the map. All zero: not made yet.
    pub tree: [u8; 16],
    /// Which directory the tree is: its file handle and its file system.
    pub root: Vec<u8>,
    /// The file system's id as the kernel says it; on some kinds it changes with every mount.
    pub file_system: Vec<u8>,
    /// The secondary's copy (see the welcome).
    pub copy: [u8; 16],
    /// How many syncs that copy had seen when it was last heard of.
    pub generation: u64,
    /// How far the first sync is.
    pub stage: Stage,
}

impl SessionState {
    /// Reads it word by word; a word that is missing or odd has its default.
    pub(super) fn read<E>(
        mut get: impl FnMut(&str) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<SessionState, E> {
        let mut array =
            |word: &str| get(word).map(|raw| raw.and_then(|raw| raw.try_into().ok()).unwrap_or_default());
        let (tree, copy) = (array("tree")?, array("copy")?);
        let generation = get("generation")?.and_then(|raw| raw.try_into().ok()).map_or(0, u64::from_le_bytes);
        let stage = match get("stage")?.as_deref() {
            Some(b"filling") => Stage::Filling,
            Some(b"adopting") => Stage::Adopting,
            Some(b"complete") => Stage::Complete,
            _ => Stage::New,
        };
        let root = get("root")?.unwrap_or_default();
        let file_system = get("file-system")?.unwrap_or_default();
        Ok(SessionState { tree, root, file_system, copy, generation, stage })
    }

    /// The words as they are stored.
    pub(super) fn words(&self) -> [(&'static str, Vec<u8>); 6] {
        let stage: &[u8] = match self.stage {
            Stage::New => b"new",
            Stage::Filling => b"filling",
            Stage::Adopting => b"adopting",
            Stage::Complete => b"complete",
        };
        [
            ("tree", self.tree.to_vec()),
            ("root", self.root.clone()),
            ("file-system", self.file_system.clone()),
            ("copy", self.copy.to_vec()),
            ("generation", self.generation.to_le_bytes().to_vec()),
            ("stage", stage.to_vec()),
        ]
    }
}
