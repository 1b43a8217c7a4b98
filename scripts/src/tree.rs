//! Dotted names as a tree: `valve.down` and `valve.up` are leaves of the group `valve`.

use sensai_model::{Tag, TagKind};

/// Groups and leaves; a leaf carries an index.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    path: String,
    /// Ascending by name.
    children: Vec<(String, u32)>,
    leaf: Option<u32>,
}

/// What a name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Names go on from this node.
    Group(u32),
    /// The index of a leaf.
    Leaf(u32),
}

impl Tree {
    /// Where all names start.
    pub const ROOT: u32 = 0;

    /// A tree of these names; the index of each is its position.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self::numbered((0_u32..).zip(names))
    }

    /// The tree of the tags behind `io`: results of models are behind `ai`.
    pub fn of_tags(tags: &[Tag]) -> Self {
        let behind_io = (0_u32..).zip(tags).filter(|(_, tag)| tag.kind != TagKind::Model);
        Self::numbered(behind_io.map(|(index, tag)| (index, tag.name.as_str())))
    }

    /// A tree of these names with their indices.
    fn numbered<'a>(names: impl IntoIterator<Item = (u32, &'a str)>) -> Self {
        let mut tree = Self { nodes: vec![Node::default()] };
        for (index, name) in names {
            let node = name.split('.').fold(Self::ROOT, |node, segment| tree.grow(node, segment));
            if let Some(node) = tree.nodes.get_mut(node as usize) {
                node.leaf = Some(index);
            }
        }
        tree
    }

    fn grow(&mut self, node: u32, segment: &str) -> u32 {
        let next = self.nodes.len() as u32;
        let Some(parent) = self.nodes.get_mut(node as usize) else { return node };
        match parent.children.binary_search_by(|(name, _)| name.as_str().cmp(segment)) {
            Ok(position) => parent.children[position].1,
            Err(position) => {
                let path = if parent.path.is_empty() {
                    segment.to_owned()
                } else {
                    format!("{}.{segment}", parent.path)
                };
                parent.children.insert(position, (segment.to_owned(), next));
                self.nodes.push(Node { path, ..Node::default() });
                next
            }
        }
    }

    /// What `segment` is in a group.
    pub fn child(&self, node: u32, segment: &str) -> Option<Found> {
        let children = &self.nodes.get(node as usize)?.children;
        let position = children.binary_search_by(|(name, _)| name.as_str().cmp(segment)).ok()?;
        let child = children.get(position)?.1;
        Some(self.nodes.get(child as usize)?.leaf.map_or(Found::Group(child), Found::Leaf))
    }

    /// Dotted name of a node; empty for the root.
    pub fn path(&self, node: u32) -> &str {
        self.nodes.get(node as usize).map_or("", |node| node.path.as_str())
    }

    /// Every name between two dots, once.
    pub fn segments(&self) -> Vec<&str> {
        let mut segments: Vec<&str> =
            self.nodes.iter().flat_map(|node| node.children.iter().map(|(name, _)| name.as_str())).collect();
        segments.sort_unstable();
        segments.dedup();
        segments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_groups_and_leaves() {
        let tree = Tree::new(["valve.down", "valve.up", "clamp", "force.ram.left"]);
        let Some(Found::Group(valve)) = tree.child(Tree::ROOT, "valve") else { panic!("no group") };
        assert_eq!(tree.child(valve, "up"), Some(Found::Leaf(1)));
        assert_eq!(tree.child(valve, "sideways"), None);
        assert_eq!(tree.child(Tree::ROOT, "clamp"), Some(Found::Leaf(2)));
        assert_eq!(tree.path(valve), "valve");
        assert_eq!(tree.segments(), ["clamp", "down", "force", "left", "ram", "up", "valve"]);
    }
}
