//! The tables of a copy.

use crate::store::columns::{Table, account, device, key_check, sequence, trail};

/// All tables, in the order in which services lock them, so that seldom one waits for one that
/// waits for it.
pub(super) const ALL: [&Table; 5] = [&device::TABLE, &sequence::TABLE, &trail::TABLE, &account::TABLE, &key_check::TABLE];

/// Those that are written anew as a whole.
pub(super) const SMALL: [&Table; 3] = [&account::TABLE, &sequence::TABLE, &key_check::TABLE];

/// A table of which only what has changed is read again, by groups of rows that have their ids side
/// by side.
///
/// Of each group there is one number, its state, which is another one when rows of it have changed,
/// come or gone. So no order of commits matters: in PostgreSQL a line of the trail gets its id
/// before its commit, and may come after lines with higher ids; its group tells.
pub(super) struct Large {
    pub(super) table: Table,
    /// How many ids a group has.
    pub(super) span: i64,
    /// The column that its state is made of, besides the id.
    pub(super) column: usize,
    /// The state in SQL.
    pub(super) state: &'static str,
    /// What a row adds to the state, from its id and that column.
    pub(super) part: fn(i64, i64) -> i64,
}

impl Large {
    pub(super) fn group_of(&self, id: i64) -> i64 {
        id.checked_div(self.span).unwrap_or(id)
    }
}

/// A device's version is another one after each change of it.
const DEVICES: Large =
    Large { table: device::TABLE, span: 1, column: device::VERSION, state: "max(version)", part: |_, version| version };

/// A line never changes. Which ids a group has, and the sum of their times, stand in different bits
/// of one number: the sum of 100 times has no more than 42 bits until the year 4000. The ids tell
/// what came or went, and the times tell lines from those whose ids SQLite gave again after all
/// lines were deleted.
const LINES: Large = Large {
    table: trail::TABLE,
    span: 100,
    column: trail::AT,
    state: "CAST(sum((id % 100 + 1) * 4398046511104 + at) AS BIGINT)",
    part: |id, at| id.wrapping_rem(100).wrapping_add(1).wrapping_mul(1 << 42).wrapping_add(at),
};

pub(super) const LARGE: [Large; 2] = [DEVICES, LINES];
