//! Who is connected to whose port: which cable a link error is on.

use serde::Serialize;

/// Ports of an ESC, in the order in which a frame passes them behind port 0.
const FORWARD_PORTS: [u8; 3] = [3, 1, 2];

/// One device and the cable that leads to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Position on the bus, from 0.
    pub position: u16,
    /// Position of the device it is connected to and the port there; `None` for the first: its cable leads to us.
    pub parent: Option<(u16, u8)>,
    /// Bit *n*: port *n* has a link.
    pub links: u8,
}

/// All devices, in bus order, as found at start-up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Topology {
    /// Indexed by position.
    pub nodes: Vec<Node>,
}

impl Topology {
    /// From register 0x0110 (DL status) of each device in bus order: bit 4 + *n* is the physical link of port *n*.
    pub(crate) fn from_dl_status(statuses: &[u16]) -> Self {
        let mut nodes: Vec<Node> = Vec::with_capacity(statuses.len());
        // Devices with forward ports nobody is connected to yet, and those ports.
        let mut open: Vec<(u16, Vec<u8>)> = Vec::new();
        for (status, position) in statuses.iter().zip(0..) {
            let links = (status >> 4 & 0x0f) as u8;
            while open.last().is_some_and(|(_, ports)| ports.is_empty()) {
                open.pop();
            }
            let parent = open.last_mut().map(|(parent, ports)| (*parent, ports.remove(0)));
            nodes.push(Node { position, parent, links });
            open.push((position, FORWARD_PORTS.into_iter().filter(|port| links >> port & 1 == 1).collect()));
        }
        Self { nodes }
    }

    /// The device connected to a port, if any.
    pub fn child(&self, position: u16, port: u8) -> Option<u16> {
        self.nodes.iter().find(|node| node.parent == Some((position, port))).map(|node| node.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parents(links: &[u16]) -> Vec<Option<(u16, u8)>> {
        let statuses: Vec<u16> = links.iter().map(|links| links << 4).collect();
        Topology::from_dl_status(&statuses).nodes.iter().map(|node| node.parent).collect()
    }

    #[test]
    fn a_line() {
        assert_eq!(parents(&[0b0011, 0b0011, 0b0001]), [None, Some((0, 1)), Some((1, 1))]);
    }

    /// A coupler with two terminals on its E-bus (port 1 here) and a drive on its second socket (port 2).
    #[test]
    fn a_branch_comes_back_to_the_junction() {
        let parents = parents(&[0b0111, 0b0011, 0b0001, 0b0001]);
        assert_eq!(parents, [None, Some((0, 1)), Some((1, 1)), Some((0, 2))]);
    }

    #[test]
    fn a_star_of_four_ports() {
        let parents = parents(&[0b1111, 0b0001, 0b0001, 0b0001]);
        assert_eq!(parents, [None, Some((0, 3)), Some((0, 1)), Some((0, 2))]);
    }

    #[test]
    fn inconsistent_links_do_no_harm() {
        assert_eq!(parents(&[0, 0, 0b0011]), [None, None, None]);
    }

    #[test]
    fn a_child_is_found_by_its_parents_port() {
        let topology = Topology::from_dl_status(&[0x30, 0x30, 0x10]);
        assert_eq!((topology.child(0, 1), topology.child(2, 1)), (Some(1), None));
    }
}
