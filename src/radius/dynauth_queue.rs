//! Orders that wait their turn, so that an access point which does not answer keeps only itself
//! waiting, and a client section with many addresses only its own.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::ops::Bound;
use std::sync::Arc;

use crate::domain::nas::Nas;
use crate::hotspot::radius_messages::{Demand, Order};

/// Orders under way at one time: each has a socket.
const TOTAL: usize = 64;
/// Orders under way to all access points of one client section: another one finds room at once.
const SECTION: usize = TOTAL / 2;
/// Orders under way to one access point at one time.
const EACH: usize = 8;
/// Orders of one client section that wait: 300 KB. The owner gives what has no room again later.
const WAITING: usize = 512;
/// Orders of all client sections that wait.
const WAITING_IN_ALL: usize = 4 * WAITING;

/// The orders that are not under way yet: for each client section in the order in which they came,
/// except that sessions are ended before others are changed. Sections take turns.
#[derive(Default)]
pub(super) struct Line {
    sections: BTreeMap<Arc<str>, Queue>,
    /// The section whose turn it was last.
    last: Option<Arc<str>>,
    under_way: HashMap<IpAddr, usize>,
    total: usize,
}

/// The orders of one client section.
#[derive(Default)]
struct Queue {
    /// Of one session there is no more than one.
    waiting: VecDeque<Order>,
    under_way: usize,
}

/// What becomes of a new order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Its turn is now.
    Begins(Order),
    /// It waits, or what waits for the same session does as well.
    Waits,
    /// There are too many: this one is given up, which may be an older one.
    NoRoom(Order),
}

impl Line {
    /// A new order. It takes the place of one that waits for the same session.
    pub(super) fn arrived(&mut self, order: Order) -> Arrival {
        let queue = self.sections.entry(order.nas.client.clone()).or_default();
        if is_change(&order) && queue.waiting.iter().any(|it| it.id == order.id && !is_change(it)) {
            return Arrival::Waits;
        }
        queue.waiting.retain(|it| it.id != order.id);
        // Whoever may go, and has others of the same access point before them, would have gone.
        if self.may_go(&order) {
            return Arrival::Begins(self.begun(order));
        }
        self.wait(order);
        self.shed().map_or(Arrival::Waits, Arrival::NoRoom)
    }

    /// A session has ended: nothing has to be asked of its access point any more.
    pub(super) fn closed(&mut self, session: i64) {
        for queue in self.sections.values_mut() {
            queue.waiting.retain(|order| order.id != session);
        }
        self.sections.retain(|_, queue| !queue.is_idle());
    }

    /// An order to this access point is done with; the one whose turn it is now.
    pub(super) fn finished(&mut self, nas: &Nas) -> Option<Order> {
        self.total -= 1;
        if let Some(count) = self.under_way.get_mut(&nas.source) {
            *count -= 1;
            if *count == 0 {
                self.under_way.remove(&nas.source);
            }
        }
        if let Some(queue) = self.sections.get_mut(&nas.client) {
            queue.under_way -= 1;
        }
        let next = self.next();
        self.sections.retain(|_, queue| !queue.is_idle());
        next
    }

    /// The first order that may go, of the section that follows the one whose turn it was last.
    fn next(&mut self) -> Option<Order> {
        let last = self.last.as_ref();
        let after = last.map_or(Bound::Unbounded, Bound::Excluded);
        let up_to = last.map_or(Bound::Unbounded, Bound::Included);
        let later = self.sections.range::<Arc<str>, _>((after, Bound::Unbounded));
        let in_turn = later.chain(self.sections.range::<Arc<str>, _>((Bound::Unbounded, up_to)));
        let first = |queue: &Queue| queue.waiting.iter().position(|order| self.may_go(order));
        let (section, at) = in_turn
            .into_iter()
            .find_map(|(section, queue)| first(queue).map(|at| (section.clone(), at)))?;
        let order = self.sections.get_mut(&section)?.waiting.remove(at)?;
        self.last = Some(section);
        Some(self.begun(order))
    }

    fn may_go(&self, order: &Order) -> bool {
        let each = self.under_way.get(&order.nas.source).copied().unwrap_or(0);
        let section = self.sections.get(&order.nas.client).map_or(0, |queue| queue.under_way);
        self.total < TOTAL && section < SECTION && each < EACH
    }

    fn begun(&mut self, order: Order) -> Order {
        self.total += 1;
        *self.under_way.entry(order.nas.source).or_default() += 1;
        self.sections.entry(order.nas.client.clone()).or_default().under_way += 1;
        order
    }

    fn wait(&mut self, order: Order) {
        let waiting = &mut self.sections.entry(order.nas.client.clone()).or_default().waiting;
        let before = waiting.iter().position(is_change).filter(|_| !is_change(&order));
        waiting.insert(before.unwrap_or(waiting.len()), order);
    }

    /// Of too many that wait, the last of the section that has most.
    fn shed(&mut self) -> Option<Order> {
        let all: usize = self.sections.values().map(|queue| queue.waiting.len()).sum();
        let longest = self.sections.values_mut().max_by_key(|queue| queue.waiting.len())?;
        let too_many = longest.waiting.len() > WAITING || all > WAITING_IN_ALL;
        if too_many { longest.waiting.pop_back() } else { None }
    }
}

impl Queue {
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.under_way == 0
    }
}

fn is_change(order: &Order) -> bool {
    matches!(order.what, Demand::Change(_))
}

#[cfg(test)]
mod tests;
