//! Which workers this node runs, and which node of the secondary each of them talks to (spec: sync-semantics 1.4).
//!
//! Every monitor decides alone, so the answer depends on the volume infos and nothing else.

use std::path::PathBuf;

/// What is needed of one brick of the primary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brick {
    /// Host, as the volume was created with.
    pub host: String,
    /// Uuid of the node that has it.
    pub host_uuid: String,
    /// Its root directory.
    pub path: PathBuf,
    /// Number of its subvolume, from 1.
    pub subvolume: usize,
}

/// A node of the secondary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Host name or address.
    pub host: String,
    /// Node uuid.
    pub uuid: String,
}

/// One worker to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerSpec {
    /// The brick.
    pub brick: Brick,
    /// The node to prefer.
    pub preferred: Node,
    /// All nodes, the preferred one first and the others in the order to try them.
    pub nodes: Vec<Node>,
    /// The secondary volume's uuid.
    pub secondary_id: String,
}

/// The workers for the bricks of `local_node`, in the order of the volume.
///
/// The index in the *whole* volume picks the node, so that the load spreads. Empty when the secondary has no nodes.
#[must_use]
pub fn distribute(bricks: &[Brick], nodes: &[Node], secondary_id: &str, local_node: &str) -> Vec<WorkerSpec> {
    let local = bricks.iter().enumerate().filter(|(_, brick)| brick.host_uuid == local_node);
    local
        .filter_map(|(index, brick)| {
            let first = index.checked_rem(nodes.len())?;
            let (before, after) = nodes.split_at_checked(first)?;
            let nodes: Vec<Node> = after.iter().chain(before).cloned().collect();
            let preferred = nodes.first()?.clone();
            Some(WorkerSpec { brick: brick.clone(), preferred, nodes, secondary_id: secondary_id.to_owned() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brick(index: usize, uuid: &str) -> Brick {
        let path = format!("/b{index}").into();
        Brick { host: format!("h{uuid}"), host_uuid: uuid.to_owned(), path, subvolume: index / 2 + 1 }
    }

    #[test]
    fn the_index_in_the_whole_volume_picks_the_node() {
        let bricks: Vec<Brick> =
            ["A", "B", "A", "B", "A"].iter().enumerate().map(|(index, uuid)| brick(index, uuid)).collect();
        let nodes = ["s1", "s2", "s3"].map(|host| Node { host: host.to_owned(), uuid: format!("u-{host}") });
        let workers = distribute(&bricks, &nodes, "SEC", "A");
        let seen: Vec<(String, Vec<&str>)> = workers
            .iter()
            .map(|worker| {
                let hosts = worker.nodes.iter().map(|node| node.host.as_str()).collect();
                (worker.brick.path.display().to_string(), hosts)
            })
            .collect();
        let expected = [
            ("/b0".to_owned(), vec!["s1", "s2", "s3"]),
            ("/b2".to_owned(), vec!["s3", "s1", "s2"]),
            ("/b4".to_owned(), vec!["s2", "s3", "s1"]),
        ];
        assert_eq!(seen, expected);
        assert_eq!(workers[1].brick.subvolume, 2);
        assert!(distribute(&bricks, &[], "SEC", "A").is_empty());
        assert!(distribute(&bricks, &nodes, "SEC", "C").is_empty());
    }
}
