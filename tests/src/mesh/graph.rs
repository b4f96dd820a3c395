//! Random graphs in which every node has the same number of neighbours.

use crate::sim::Dice;
use std::collections::BTreeSet;

/// A connected graph: pairs of nodes, each pair once and the lower number first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    nodes: usize,
    edges: Vec<(usize, usize)>,
}

impl Graph {
    /// A random graph in which each of `nodes` has `degree` neighbours (an even number, below `nodes`). A ring in which
    /// everybody knows the nearest ones, of which two edges at a time exchange their ends, as often as mixes it well.
    #[must_use]
    pub fn random(nodes: usize, degree: usize, dice: &mut Dice) -> Self {
        assert!(
            degree.is_multiple_of(2) && degree < nodes,
            "{nodes} nodes cannot have {degree} neighbours each"
        );
        let near = |node| (1..=degree / 2).map(move |step| ordered(node, (node + step) % nodes));
        let mut graph = Self {
            nodes,
            edges: (0..nodes).flat_map(near).collect(),
        };
        let mut there: BTreeSet<_> = graph.edges.iter().copied().collect();
        assert_eq!(there.len(), graph.edges.len(), "too few nodes for that degree");
        for _ in 0..20 * graph.edges.len() {
            graph.exchange(&mut there, dice);
        }
        assert!(
            graph.is_connected(),
            "the dice made two graphs of one: take another seed"
        );
        graph
    }

    /// a–b and c–d become a–d and c–b, unless one of these is there or is no edge.
    fn exchange(&mut self, there: &mut BTreeSet<(usize, usize)>, dice: &mut Dice) {
        let (first, second) = (dice.below(self.edges.len()), dice.below(self.edges.len()));
        let ((a, b), (mut c, mut d)) = (self.edges[first], self.edges[second]);
        if dice.one_in(2) {
            (c, d) = (d, c);
        }
        let (one, other) = (ordered(a, d), ordered(c, b));
        if a == d || b == c || one == other || there.contains(&one) || there.contains(&other) {
            return;
        }
        there.remove(&self.edges[first]);
        there.remove(&self.edges[second]);
        there.extend([one, other]);
        (self.edges[first], self.edges[second]) = (one, other);
    }

    /// How many nodes.
    #[must_use]
    pub const fn nodes(&self) -> usize {
        self.nodes
    }

    /// Who is whose neighbour.
    pub fn edges(&self) -> impl Iterator<Item = (usize, usize)> {
        self.edges.iter().copied()
    }

    fn is_connected(&self) -> bool {
        let (mut reached, mut new) = (BTreeSet::from([0]), vec![0]);
        while let Some(from) = new.pop() {
            for (a, b) in self.edges() {
                let to = if a == from { b } else { a };
                if (a == from || b == from) && reached.insert(to) {
                    new.push(to);
                }
            }
        }
        reached.len() == self.nodes
    }
}

const fn ordered(a: usize, b: usize) -> (usize, usize) {
    if a < b { (a, b) } else { (b, a) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_as_many_neighbours_none_twice_and_two_seeds_give_two_graphs() {
        let graphs = [1, 2].map(|seed| Graph::random(50, 8, &mut Dice::new(seed)));
        for graph in &graphs {
            let edges: BTreeSet<_> = graph.edges().collect();
            assert_eq!(edges.len(), 200);
            for node in 0..graph.nodes() {
                let of = edges.iter().filter(|(a, b)| *a == node || *b == node);
                assert_eq!(of.count(), 8);
            }
        }
        assert_ne!(graphs[0], graphs[1]);
        assert_eq!(graphs[0], Graph::random(50, 8, &mut Dice::new(1)));
    }
}
