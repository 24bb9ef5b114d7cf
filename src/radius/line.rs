//! Orders that wait their turn, so that an access point which does not answer keeps only itself
//! waiting.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use crate::hotspot::access::{Demand, Order};

/// Orders under way at one time: each has a socket.
const TOTAL: usize = 64;
/// Orders under way to one access point at one time.
const EACH: usize = 8;

/// The orders that are not under way yet, in the order in which they came, except that sessions are
/// ended before others are changed.
#[derive(Default)]
pub(super) struct Line {
    waiting: VecDeque<Order>,
    under_way: HashMap<IpAddr, usize>,
    total: usize,
}

impl Line {
    /// A new order; given back where its turn is now.
    pub(super) fn arrived(&mut self, order: Order) -> Option<Order> {
        // Whoever may go, and has others of the same access point before them, would have gone.
        if self.may_go(&order) {
            return Some(self.begun(order));
        }
        let is_change = |order: &Order| matches!(order.what, Demand::Change(_));
        let before = self.waiting.iter().position(is_change).filter(|_| !is_change(&order));
        self.waiting.insert(before.unwrap_or(self.waiting.len()), order);
        None
    }

    /// An order to this access point is done with; the one whose turn it is now.
    pub(super) fn finished(&mut self, nas: IpAddr) -> Option<Order> {
        self.total -= 1;
        if let Some(count) = self.under_way.get_mut(&nas) {
            *count -= 1;
            if *count == 0 {
                self.under_way.remove(&nas);
            }
        }
        let next = self.waiting.iter().position(|order| self.may_go(order))?;
        self.waiting.remove(next).map(|order| self.begun(order))
    }

    fn may_go(&self, order: &Order) -> bool {
        let each = self.under_way.get(&order.nas.source).copied().unwrap_or(0);
        self.total < TOTAL && each < EACH
    }

    fn begun(&mut self, order: Order) -> Order {
        self.total += 1;
        *self.under_way.entry(order.nas.source).or_default() += 1;
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hotspot::access::NewTerms;
    use crate::radius::disconnect::tests::order;

    #[test]
    fn a_silent_access_point_keeps_only_itself_waiting() {
        let mut line = Line::default();
        let (dead, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let started = (0..100).filter_map(|id| line.arrived(order(id, dead))).count();
        assert_eq!(started, EACH);
        assert_eq!(line.arrived(order(500, other)).unwrap().id, 500);
        assert_eq!(line.finished(other), None);
        // Their turn comes in the order in which they came.
        for id in EACH..100 {
            assert_eq!(line.finished(dead).unwrap().id, id as i64);
        }
        for _ in 0..EACH {
            assert_eq!(line.finished(dead), None);
        }
        assert_eq!((line.total, line.under_way.len(), line.waiting.len()), (0, 0, 0));
    }

    #[test]
    fn sessions_are_ended_before_others_are_changed() {
        let mut line = Line::default();
        let nas = IpAddr::from([10, 0, 0, 1]);
        let change = |id| {
            let (before, after) = Default::default();
            let terms = NewTerms { reply: Default::default(), class: Vec::new(), before, after };
            Order { what: Demand::Change(Box::new(terms)), ..order(id, nas) }
        };
        for id in 0..EACH {
            assert!(line.arrived(change(id as i64)).is_some());
        }
        for order in [change(20), order(30, nas), change(21), order(31, nas)] {
            assert_eq!(line.arrived(order), None);
        }
        let turns: Vec<i64> = (0..4).map(|_| line.finished(nas).unwrap().id).collect();
        assert_eq!(turns, [30, 31, 20, 21]);
    }

    #[test]
    fn all_together_are_bounded_and_none_is_lost() {
        let mut line = Line::default();
        let nas = |number: usize| IpAddr::from([10, 0, 0, (number / 5) as u8]);
        let arrived = (0..200).filter_map(|id| line.arrived(order(id as i64, nas(id))));
        let mut under_way: VecDeque<_> = arrived.collect();
        assert_eq!(under_way.len(), TOTAL);
        let mut done = Vec::new();
        while let Some(order) = under_way.pop_front() {
            done.push(order.id);
            under_way.extend(line.finished(order.nas.source));
            assert!(under_way.len() <= TOTAL);
        }
        assert_eq!(done, (0..200).collect::<Vec<_>>());
    }
}
