use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::hotspot::radius_messages::AttributeChange;
use crate::radius::dynauth_client::tests::order;

fn nas(last: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, last])
}

/// An order to an access point of this section.
fn of(section: &str, id: i64, source: IpAddr) -> Order {
    let mut order = order(id, source);
    order.nas.client = section.into();
    order
}

fn change(id: i64, source: IpAddr) -> Order {
    let (before, after) = Default::default();
    let terms = AttributeChange { reply: Default::default(), class: Vec::new(), before, after };
    Order { what: Demand::Change(Box::new(terms)), ..order(id, source) }
}

impl Line {
    /// The order, where its turn is now.
    fn begins(&mut self, order: Order) -> Option<Order> {
        match self.arrived(order) {
            Arrival::Begins(order) => Some(order),
            Arrival::Waits => None,
            Arrival::NoRoom(order) => panic!("no room for {order:?}"),
        }
    }

    fn waiting(&self) -> usize {
        self.sections.values().map(|queue| queue.waiting.len()).sum()
    }

    /// The numbers of those whose turn comes as long as one ends after the other.
    fn turns(&mut self, mut ended: Vec<Order>) -> Vec<i64> {
        let mut turns = Vec::new();
        while let Some(order) = ended.pop() {
            if let Some(next) = self.finished(&order.nas) {
                turns.push(next.id);
                ended.insert(0, next);
            }
        }
        turns
    }
}

#[test]
fn a_silent_access_point_keeps_only_itself_waiting() {
    let mut line = Line::default();
    let (dead, other) = (order(0, nas(1)), order(0, nas(2)));
    let started = (0..100).filter_map(|id| line.begins(order(id, nas(1)))).count();
    assert_eq!(started, EACH);
    assert_eq!(line.begins(order(500, nas(2))).unwrap().id, 500);
    assert_eq!(line.finished(&other.nas), None);
    // Their turn comes in the order in which they came.
    for id in EACH..100 {
        assert_eq!(line.finished(&dead.nas).unwrap().id, id as i64);
    }
    for _ in 0..EACH {
        assert_eq!(line.finished(&dead.nas), None);
    }
    assert_eq!((line.total, line.under_way.len(), line.sections.len()), (0, 0, 0));
}

#[test]
fn sessions_are_ended_before_others_are_changed() {
    let mut line = Line::default();
    let nas = nas(1);
    for id in 0..EACH {
        assert!(line.begins(change(id as i64, nas)).is_some());
    }
    for order in [change(20, nas), order(30, nas), change(21, nas), order(31, nas)] {
        assert_eq!(line.begins(order), None);
    }
    let done = order(0, nas).nas;
    let turns: Vec<i64> = (0..4).map(|_| line.finished(&done).unwrap().id).collect();
    assert_eq!(turns, [30, 31, 20, 21]);
}

#[test]
fn a_section_with_many_addresses_leaves_room_for_others() {
    let mut line = Line::default();
    let many = (0..400).filter_map(|id| line.begins(of("many", id, nas((id / 8) as u8))));
    let many: Vec<_> = many.collect();
    assert_eq!(many.len(), SECTION);
    assert!(line.begins(of("one", 1000, nas(200))).is_some());
    let rest: Vec<_> = (0..30)
        .filter_map(|id| line.begins(of("rest", 2000 + id, nas(id as u8 / 8 + 100))))
        .collect();
    assert_eq!(rest.len(), 30);
    // No place left but one.
    assert!(line.begins(of("a", 3000, nas(201))).is_some());
    for id in 1..4 {
        assert_eq!(line.begins(of("a", 3000 + id, nas(201))), None);
        assert_eq!(line.begins(of("b", 4000 + id, nas(202))), None);
    }
    // In turn, whoever came first.
    let turns = line.turns(many);
    assert_eq!(turns[..8], [3001, 4001, 32, 3002, 4002, 33, 3003, 4003]);
}

#[test]
fn of_one_session_one_order_waits() {
    let mut line = Line::default();
    let nas = nas(1);
    for id in 0..EACH {
        assert!(line.begins(order(id as i64, nas)).is_some());
    }
    for _ in 0..1000 {
        assert_eq!(line.begins(order(50, nas)), None);
        assert_eq!(line.begins(change(51, nas)), None);
    }
    assert_eq!(line.waiting(), 2);
    // The end of a session takes the place of a change in it, and nothing else does that of an end.
    assert_eq!(line.begins(order(51, nas)), None);
    assert_eq!(line.begins(change(50, nas)), None);
    assert_eq!(line.waiting(), 2);
    let done = order(0, nas).nas;
    assert!((0..2).all(|_| !is_change(&line.finished(&done).unwrap())));
}

#[test]
fn what_has_ended_is_asked_of_nobody() {
    let mut line = Line::default();
    let nas = nas(1);
    for id in 0..20 {
        line.begins(order(id, nas));
    }
    (0..19).for_each(|id| line.closed(id));
    let done = order(0, nas).nas;
    assert_eq!(line.finished(&done).unwrap().id, 19);
    assert_eq!(line.finished(&done), None);
}

#[test]
fn the_section_with_most_gives_up_its_last() {
    let mut line = Line::default();
    let mut lost = Vec::new();
    let sections = ["a", "b", "c", "d", "e", "f"];
    for id in 0..600 {
        for (number, section) in sections.iter().enumerate() {
            let order = of(section, id * 10 + number as i64, nas(number as u8));
            if let Arrival::NoRoom(order) = line.arrived(order) {
                lost.push(order.id);
            }
            assert!(line.waiting() <= WAITING_IN_ALL);
        }
    }
    let mut line_of_one = Line::default();
    for id in 0..EACH + WAITING {
        assert!(!matches!(line_of_one.arrived(order(id as i64, nas(1))), Arrival::NoRoom(_)));
    }
    let late = order(9999, nas(1));
    assert_eq!(line_of_one.arrived(late.clone()), Arrival::NoRoom(late));
    // One that needs little finds its place.
    let modest = of("modest", 1, nas(0));
    assert!(matches!(line.arrived(modest), Arrival::NoRoom(order) if order.id != 1));
    assert_eq!(line.waiting(), WAITING_IN_ALL);
    let unique: BTreeSet<_> = lost.iter().collect();
    assert_eq!(unique.len(), lost.len());
}

proptest! {
    /// Whatever comes, ends and closes: every order begins, is given up, is replaced or closed.
    #[test]
    fn bounds_hold_and_nothing_is_stuck(
        events in prop::collection::vec((0..3_usize, 0..6_u8, 0..400_i64, 0..4_u8), 0..600),
    ) {
        let mut line = Line::default();
        let mut under_way: VecDeque<Order> = VecDeque::new();
        let mut given = BTreeSet::new();
        for (section, source, id, what) in events {
            let order = of(["a", "b", "c"][section], id, nas(section as u8 * 10 + source));
            match what {
                0 => {
                    line.closed(id);
                    given.remove(&id);
                }
                1 => if let Some(order) = under_way.pop_front() {
                    under_way.extend(line.finished(&order.nas));
                },
                _ if given.insert(id) => match line.arrived(order) {
                    Arrival::Begins(order) => under_way.push_back(order),
                    Arrival::Waits => {}
                    Arrival::NoRoom(order) => prop_assert!(given.remove(&order.id)),
                },
                _ => {}
            }
            prop_assert!(under_way.len() <= TOTAL && line.total == under_way.len());
        }
        let mut left: BTreeSet<_> = under_way.iter().map(|order| order.id).collect();
        while let Some(order) = under_way.pop_front() {
            let next = line.finished(&order.nas);
            left.extend(next.iter().map(|order| order.id));
            under_way.extend(next);
        }
        prop_assert_eq!(line.waiting(), 0);
        prop_assert!(line.sections.is_empty() && line.under_way.is_empty());
    }
}
