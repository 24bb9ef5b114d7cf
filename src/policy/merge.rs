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
            Operator::Prepend => first.push(pair),
            _ => {}
        }
    }
    list.0.splice(0..0, first);
    list.0.extend(last);
}
