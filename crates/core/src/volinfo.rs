//! `gluster --xml volume info NAME`: the volume's id, bricks and layout (spec: sync-semantics 1.4).

use crate::id::Gfid;
use roxmltree::{Document, Node, ParsingOptions};
use std::fmt;
use std::path::PathBuf;

/// The longest answer that is parsed: a volume of 10,000 bricks needs a fifth of it.
pub const MAX_BYTES: usize = 16 << 20;

/// Most XML nodes of an answer.
const MAX_NODES: u32 = 2_000_000;

/// One brick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brick {
    /// Host name as the volume was created with.
    pub host: String,
    /// Uuid of the node that has the brick.
    pub host_uuid: String,
    /// The brick's root directory on that node.
    pub path: PathBuf,
    /// Whether it holds no content.
    pub is_arbiter: bool,
}

/// One volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Name.
    pub name: String,
    /// The uuid's 16 bytes.
    pub id: [u8; 16],
    /// Whether it is started.
    pub started: bool,
    /// All bricks, in the order that makes the subvolumes.
    pub bricks: Vec<Brick>,
    /// Bricks of a replica subvolume; 1 without replication.
    pub replica: u32,
    /// Bricks of a disperse subvolume; 0 without dispersion.
    pub disperse: u32,
    /// Number of subvolumes that files are distributed over.
    pub distribute: u32,
    /// Options that were set: (name, value).
    pub options: Vec<(String, String)>,
}

/// Why there is no volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VolumeError {
    /// Longer than [`MAX_BYTES`], not UTF-8, or not XML.
    NotXml(String),
    /// The command says that it failed, with its reason.
    Refused(String),
    /// The answer has no volume of that name.
    NoSuchVolume(String),
    /// An element is missing or its text is not of its type.
    Malformed(&'static str),
}

impl fmt::Display for VolumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VolumeError::NotXml(reason) => write!(f, "volume info is not readable XML: {reason}"),
            VolumeError::Refused(reason) => write!(f, "volume info failed: {reason}"),
            VolumeError::NoSuchVolume(name) => write!(f, "volume info has no volume {name}"),
            VolumeError::Malformed(element) => write!(f, "volume info has no valid <{element}>"),
        }
    }
}

impl std::error::Error for VolumeError {}

impl Volume {
    /// Parses the command's output.
    ///
    /// # Errors
    /// See [`VolumeError`].
    pub fn parse(xml: &[u8], name: &str) -> Result<Volume, VolumeError> {
        if xml.len() > MAX_BYTES {
            return Err(VolumeError::NotXml(format!("{} bytes are too many", xml.len())));
        }
        let text = std::str::from_utf8(xml).map_err(|error| VolumeError::NotXml(error.to_string()))?;
        let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options)
            .map_err(|error| VolumeError::NotXml(error.to_string()))?;
        let root = document.root_element();
        let code = child_text(root, "opRet").ok_or(VolumeError::Malformed("opRet"))?;
        if code != "0" {
            let reason = child_text(root, "opErrstr").filter(|text| !text.is_empty());
            return Err(VolumeError::Refused(reason.unwrap_or("no reason given").to_owned()));
        }
        root.descendants()
            .find(|node| node.has_tag_name("volume") && child_text(*node, "name") == Some(name))
            .ok_or_else(|| VolumeError::NoSuchVolume(name.to_owned()))
            .and_then(read_volume)
    }

    /// The uuid in canonical form.
    #[must_use]
    pub fn uuid(&self) -> String {
        Gfid(self.id).to_string()
    }

    /// Number of the subvolume that brick `index` (from 0, in the whole volume) belongs to, from 1.
    #[must_use]
    pub fn subvolume_number(&self, index: usize) -> usize {
        let size = if self.disperse > 0 { self.disperse } else { self.replica.max(1) };
        (index + 1).div_ceil(usize::try_from(size).unwrap_or(1))
    }

    /// The value of an option that was set.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The nodes that have bricks, (host, uuid), in order of first appearance.
    #[must_use]
    pub fn nodes(&self) -> Vec<(String, String)> {
        let mut nodes: Vec<(String, String)> = Vec::new();
        for brick in &self.bricks {
            let node = (brick.host.clone(), brick.host_uuid.clone());
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        }
        nodes
    }
}

fn read_volume(node: Node<'_, '_>) -> Result<Volume, VolumeError> {
    let id = child_text(node, "id").and_then(|id| Gfid::parse(id.to_ascii_lowercase().as_bytes()));
    let bricks = node.children().find(|child| child.has_tag_name("bricks"));
    let bricks = bricks.ok_or(VolumeError::Malformed("bricks"))?;
    let bricks: Result<Vec<Brick>, VolumeError> =
        bricks.children().filter(|child| child.has_tag_name("brick")).map(read_brick).collect();
    Ok(Volume {
        name: child_text(node, "name").ok_or(VolumeError::Malformed("name"))?.to_owned(),
        id: id.ok_or(VolumeError::Malformed("id"))?.0,
        started: number(node, "status")? == Some(1),
        bricks: bricks?,
        replica: number(node, "replicaCount")?.unwrap_or(1),
        disperse: number(node, "disperseCount")?.unwrap_or(0),
        distribute: number(node, "distCount")?.unwrap_or(1),
        options: node
            .children()
            .filter(|child| child.has_tag_name("options"))
            .flat_map(|options| options.children())
            .filter_map(|option| {
                Some((child_text(option, "name")?, child_text(option, "value").unwrap_or("")))
            })
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    })
}

fn read_brick(node: Node<'_, '_>) -> Result<Brick, VolumeError> {
    let name = child_text(node, "name").ok_or(VolumeError::Malformed("brick/name"))?;
    // The path is absolute and the host may be an IPv6 address: the first `:/` parts them.
    let (host, path) = name.split_once(":/").ok_or(VolumeError::Malformed("brick/name"))?;
    Ok(Brick {
        host: host.to_owned(),
        host_uuid: child_text(node, "hostUuid").ok_or(VolumeError::Malformed("hostUuid"))?.to_owned(),
        path: PathBuf::from(format!("/{path}")),
        is_arbiter: child_text(node, "isArbiter") == Some("1"),
    })
}

fn child_text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let child = node.children().find(|child| child.has_tag_name(name))?;
    Some(child.text().unwrap_or_default())
}

fn number(node: Node<'_, '_>, name: &'static str) -> Result<Option<u32>, VolumeError> {
    let Some(text) = child_text(node, name) else { return Ok(None) };
    text.trim().parse().map(Some).map_err(|_| VolumeError::Malformed(name))
}

#[cfg(test)]
mod tests {
    use super::{Volume, VolumeError};
    use proptest::prelude::{any, proptest};

    const XML: &[u8] = include_bytes!("../testdata/volume-info.xml");

    #[test]
    fn a_volume_is_read() {
        let volume = Volume::parse(XML, "pvol").unwrap();
        assert_eq!(volume.uuid(), "3f0c2a60-5a2f-4a0f-8d0c-0c9a1f0e7b11");
        assert!(volume.started);
        assert_eq!((volume.replica, volume.disperse, volume.distribute), (3, 0, 2));
        assert_eq!(volume.bricks.len(), 6);
        assert_eq!(volume.bricks[2].host, "fe80::2");
        assert_eq!(volume.bricks[2].path.to_str(), Some("/bricks/b:/3"));
        assert!(volume.bricks[2].is_arbiter && !volume.bricks[1].is_arbiter);
        assert_eq!(volume.option("changelog.changelog"), Some("on"));
        let numbers: Vec<usize> = (0..6).map(|at| volume.subvolume_number(at)).collect();
        assert_eq!(numbers, [1, 1, 1, 2, 2, 2]);
        assert_eq!(volume.nodes().len(), 3);
    }

    #[test]
    fn errors_name_what_is_wrong() {
        let refused = b"<cliOutput><opRet>-1</opRet><opErrno>30800</opErrno><opErrstr>Volume x does not exist</opErrstr></cliOutput>";
        assert_eq!(
            Volume::parse(refused, "x"),
            Err(VolumeError::Refused("Volume x does not exist".to_owned()))
        );
        assert_eq!(Volume::parse(XML, "other"), Err(VolumeError::NoSuchVolume("other".to_owned())));
        assert!(matches!(Volume::parse(b"", "x"), Err(VolumeError::NotXml(_))));
        assert!(matches!(Volume::parse(b"\xff", "x"), Err(VolumeError::NotXml(_))));
        let damaged = String::from_utf8_lossy(XML).replace("3f0c2a60", "zz");
        assert_eq!(Volume::parse(damaged.as_bytes(), "pvol"), Err(VolumeError::Malformed("id")));
    }

    proptest! {
        #[test]
        fn damaged_answers_do_not_panic(at in any::<u16>(), byte in any::<u8>()) {
            let mut xml = XML.to_vec();
            let at = usize::from(at) % xml.len();
            xml[at] = byte;
            let _outcome = Volume::parse(&xml, "pvol");
        }
    }
}
