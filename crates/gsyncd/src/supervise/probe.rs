//! Which nodes of the secondary answer on the ssh port.

use std::net::{TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::distribute::Node;

/// The first of `nodes`, in order, that takes a TCP connection within `timeout`; all are tried at once.
///
/// Names are looked up in the threads too, since a resolver may hang for longer than anything else.
#[must_use]
pub fn first_up(nodes: &[Node], port: u16, timeout: Duration) -> Option<Node> {
    let (sender, answers) = mpsc::channel();
    let deadline = Instant::now() + timeout;
    for (index, node) in nodes.iter().enumerate() {
        let (sender, host) = (sender.clone(), node.host.clone());
        let probe = move || sender.send((index, is_up(&host, port, timeout))).unwrap_or(());
        // Without a thread to be had this node counts as down.
        let _ = std::thread::Builder::new().name("probe".to_owned()).spawn(probe);
    }
    drop(sender);
    let mut verdicts: Vec<Option<bool>> = vec![None; nodes.len()];
    while let Ok((index, up)) = answers.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        if let Some(verdict) = verdicts.get_mut(index) {
            *verdict = Some(up);
        }
        // A node is taken when every better one is known to be down: no waiting for the slow rest.
        match verdicts.iter().position(|verdict| *verdict != Some(false)) {
            Some(best) if verdicts.get(best) == Some(&Some(true)) => return nodes.get(best).cloned(),
            _ => {}
        }
    }
    let best = verdicts.iter().position(|verdict| *verdict == Some(true))?;
    nodes.get(best).cloned()
}

fn is_up(host: &str, port: u16, timeout: Duration) -> bool {
    let Ok(addresses) = (host, port).to_socket_addrs() else { return false };
    addresses.into_iter().any(|address| TcpStream::connect_timeout(&address, timeout).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn node(host: &str) -> Node {
        Node { host: host.to_owned(), uuid: String::new() }
    }

    #[test]
    fn the_first_that_answers_is_taken() {
        let listener = TcpListener::bind("127.0.0.2:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let nodes = [node("127.0.0.3"), node("127.0.0.2")];
        assert_eq!(first_up(&nodes, port, Duration::from_secs(10)), Some(node("127.0.0.2")));
        drop(listener);
        assert_eq!(first_up(&nodes, port, Duration::from_secs(10)), None);
        assert_eq!(first_up(&[], port, Duration::from_secs(10)), None);
    }
}
