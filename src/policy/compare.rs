//! Holding rows against a request, as FreeRADIUS's `paircompare` does.

use std::cmp::Ordering;

use super::dictionary::AUTH_TYPE;
use super::operator::Operator;
use super::pair::{Pair, Pairs, Value};
use super::pattern::Pattern;
use super::row::Row;

/// Whether a row of a check list holds. Rows that assign always do. The others need one pair of
/// their attribute for which they hold, so that also `!=` and `!~` fail where there is none.
pub(super) fn holds(row: &Row, request: &Pairs) -> bool {
    let mut pairs = request.all(row.attribute);
    match row.operator {
        Operator::Set | Operator::Append | Operator::Prepend => true,
        // It belongs to no request; `=` then is an assignment.
        Operator::SetIfAbsent if row.attribute == AUTH_TYPE => true,
        Operator::Present => pairs.next().is_some(),
        Operator::Absent => pairs.next().is_none(),
        Operator::Matches | Operator::MatchesNot => {
            let Value::Text(pattern) = &row.value else { return false };
            let Ok(pattern) = Pattern::parse(pattern) else { return false };
            let wanted = row.operator == Operator::Matches;
            pairs.any(|pair| pattern.finds(&pair.value.print(pair.attribute)) == wanted)
        }
        operator => pairs.any(|pair| fits(operator, order(pair, row))),
    }
}

/// Whether `operator` is true of a pair that is before, at or after the row's value.
fn fits(operator: Operator, order: Ordering) -> bool {
    match operator {
        Operator::Equal | Operator::SetIfAbsent => order.is_eq(),
        Operator::NotEqual => order.is_ne(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
        _ => false,
    }
}

/// How a pair stands to a row's value. A tag that is not the row's decides alone.
fn order(pair: &Pair, row: &Row) -> Ordering {
    let tagged = row.attribute.definition().tagged;
    if tagged && row.tag != 0 && pair.tag != row.tag {
        return pair.tag.cmp(&row.tag);
    }
    match (&pair.value, &row.value) {
        (Value::Text(ours), Value::Text(theirs)) => ours.cmp(theirs),
        // Octets of another length are after, whatever they are.
        (Value::Octets(ours), Value::Octets(theirs)) if ours.len() != theirs.len() => {
            Ordering::Greater
        }
        (Value::Octets(ours), Value::Octets(theirs)) => ours.cmp(theirs),
        // Text that is not UTF-8 comes as octets.
        (Value::Octets(ours), Value::Text(theirs)) => ours.as_slice().cmp(theirs.as_bytes()),
        (Value::Integer(ours), Value::Integer(theirs)) => ours.cmp(theirs),
        (Value::Integer64(ours), Value::Integer64(theirs)) => ours.cmp(theirs),
        (Value::Ipv4(ours), Value::Ipv4(theirs)) => ours.cmp(theirs),
        (Value::Ipv6(ours), Value::Ipv6(theirs)) => ours.cmp(theirs),
        (Value::Date(ours), Value::Date(theirs)) => ours.cmp(theirs),
        // A value of another kind than its attribute's is before.
        _ => Ordering::Less,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::dictionary::all;
    use super::*;

    const COMPARISONS: [Operator; 6] = [
        Operator::Equal,
        Operator::NotEqual,
        Operator::Less,
        Operator::LessOrEqual,
        Operator::Greater,
        Operator::GreaterOrEqual,
    ];

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            "[ab]{0,2}".prop_map(Value::Text),
            prop::collection::vec(0..2_u8, 0..3).prop_map(Value::Octets),
            any::<u32>().prop_map(Value::Integer),
            any::<u64>().prop_map(Value::Integer64),
            any::<[u8; 4]>().prop_map(|it| Value::Ipv4(it.into())),
            any::<[u8; 16]>().prop_map(|it| Value::Ipv6(it.into())),
        ]
    }

    proptest! {
        #[test]
        fn of_two_values_exactly_three_comparisons_hold(
            index in 0..all().count(),
            (ours, theirs) in (value(), value()),
            (tag, other) in (0..3_u8, 0..3_u8),
        ) {
            let attribute = all().nth(index).unwrap();
            let request = Pairs(vec![Pair { attribute, tag, value: ours }]);
            let held = COMPARISONS.map(|operator| {
                holds(&Row { attribute, tag: other, operator, value: theirs.clone() }, &request)
            });
            let [equal, different, less, at_most, greater, at_least] = held;
            prop_assert!(equal != different && less != at_least && greater != at_most);
            prop_assert!(at_most == (less || equal) && at_least == (greater || equal));
        }

        #[test]
        fn nothing_but_absence_holds_of_what_is_not_there(index in 0..all().count(), theirs in value()) {
            let attribute = all().nth(index).unwrap();
            let others = [Operator::Matches, Operator::MatchesNot, Operator::Present];
            for operator in COMPARISONS.into_iter().chain(others) {
                let row = Row { attribute, tag: 0, operator, value: theirs.clone() };
                prop_assert!(!holds(&row, &Pairs::default()));
            }
            let row = Row { attribute, tag: 0, operator: Operator::Absent, value: theirs };
            prop_assert!(holds(&row, &Pairs::default()));
        }
    }
}
