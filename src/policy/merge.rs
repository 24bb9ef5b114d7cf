//! Merging rows into a list, as FreeRADIUS's `radius_pairmove` does.

use super::operator::Operator;
use super::pair::{Pair, Pairs};
use super::row::Row;

/// Merges the rows that assign into a list. Operators see the list as it was before: two rows of
/// one batch never replace or hide each other.
pub(super) fn merge<'a>(list: &mut Pairs, rows: impl Iterator<Item = &'a Row>) {
    let mut replaced = vec![false; list.0.len()];
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for row in rows {
        let pair = Pair { attribute: row.attribute, tag: row.tag, value: row.value.clone() };
        let mut same = list
            .0
            .iter_mut()
            .zip(&mut replaced)
            .filter(|(old, replaced)| old.attribute == pair.attribute && !**replaced);
        match row.operator {
            Operator::Set => match same.next() {
                Some((old, replaced)) => {
                    *old = pair;
                    *replaced = true;
                }
                None => last.push(pair),
            },
            Operator::SetIfAbsent if same.next().is_none() => last.push(pair),
            Operator::Append => last.push(pair),
            Operator::Prepend => first.insert(0, pair),
            _ => {}
        }
    }
    list.0.splice(0..0, first);
    list.0.extend(last);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::dictionary::{CLASS, IDLE_TIMEOUT, SESSION_TIMEOUT};
    use super::super::pair::Value;
    use super::*;

    fn row() -> impl Strategy<Value = Row> {
        let attribute = prop::sample::select(vec![CLASS, IDLE_TIMEOUT, SESSION_TIMEOUT]);
        let operator = prop::sample::select(vec![
            Operator::Set,
            Operator::SetIfAbsent,
            Operator::Append,
            Operator::Prepend,
            Operator::Equal,
        ]);
        (attribute, operator, any::<u32>()).prop_map(|(attribute, operator, number)| Row {
            attribute,
            tag: 0,
            operator,
            value: Value::Integer(number),
        })
    }

    fn list(rows: &[Row]) -> Pairs {
        let mut list = Pairs::default();
        merge(&mut list, rows.iter().filter(|row| row.operator.assigns()));
        list
    }

    proptest! {
        #[test]
        fn adding_loses_nothing_and_keeps_the_order(
            old in prop::collection::vec(row(), 0..8),
            mut new in prop::collection::vec(row(), 0..8),
        ) {
            new.iter_mut().for_each(|row| row.operator = Operator::Append);
            let mut merged = list(&old);
            merge(&mut merged, new.iter());
            let expected: Vec<Value> = list(&old)
                .iter()
                .map(|pair| pair.value.clone())
                .chain(new.iter().map(|row| row.value.clone()))
                .collect();
            let values: Vec<Value> = merged.iter().map(|pair| pair.value.clone()).collect();
            prop_assert_eq!(values, expected);
        }

        #[test]
        fn no_attribute_disappears(
            old in prop::collection::vec(row(), 0..8),
            new in prop::collection::vec(row(), 0..8),
        ) {
            let before = list(&old);
            let mut merged = before.clone();
            merge(&mut merged, new.iter());
            let assigned = new.iter().filter(|row| row.operator.assigns());
            for attribute in before.iter().map(|it| it.attribute).chain(assigned.map(|it| it.attribute)) {
                prop_assert!(merged.contains(attribute));
                prop_assert!(merged.all(attribute).count() >= before.all(attribute).count());
            }
        }
    }
}
