//! The tables of a copy.

use crate::store::columns::{Table, account, device, key_check, message_count, outbox, sequence, signal_stream, trail};

/// All tables, in the order in which services lock them, which makes deadlocks rare.
pub(super) const ALL: [&Table; 8] = [
    &message_count::TABLE,
    &device::TABLE,
    &sequence::TABLE,
    &trail::TABLE,
    &outbox::TABLE,
    &account::TABLE,
    &key_check::TABLE,
    &signal_stream::TABLE,
];

/// The tables that are rewritten as a whole.
pub(super) const SMALL: [&Table; 5] =
    [&account::TABLE, &sequence::TABLE, &key_check::TABLE, &message_count::TABLE, &signal_stream::TABLE];

/// A table of which only changes are read again, by groups of rows with adjacent ids.
///
/// Each group has a number, its state, which differs once rows have changed, come or gone. So the
/// order of commits does not matter: in PostgreSQL a line of the trail gets its id before its
/// commit, and may appear after lines with higher ids. Its group shows that.
pub(super) struct Large {
    pub(super) table: Table,
    /// How many ids a group has.
    pub(super) span: i64,
    /// The positions of the columns that make up the state with the id.
    pub(super) columns: &'static [usize],
    /// The state in SQL.
    pub(super) state: &'static str,
    /// What a row adds to the state, computed from its id and those columns.
    pub(super) part: fn(i64, &[i64]) -> i64,
}

impl Large {
    pub(super) fn group_of(&self, id: i64) -> i64 {
        id.checked_div(self.span).unwrap_or(id)
    }
}

/// Each change of a device changes its version.
const DEVICES: Large = Large {
    table: device::TABLE,
    span: 1,
    columns: &[device::VERSION],
    state: "max(version)",
    part: |_, columns| columns.iter().sum(),
};

/// A line never changes. The state has the ids of a group and the sum of their times in different
/// bits: until the year 4000, the sum of 100 times has no more than 42 bits. The ids show which
/// lines came or went. The times show lines whose ids SQLite has given again after all lines were
/// deleted.
const LINES: Large = Large {
    table: trail::TABLE,
    span: 100,
    columns: &[trail::AT],
    state: "CAST(sum((id % 100 + 1) * 4398046511104 + at) AS BIGINT)",
    part: |id, columns| part_of_id(id).wrapping_add(columns.iter().sum()),
};

/// A signal changes when it is given up or sent again, which shows in its status and its time.
/// Twice the times of a group have no more than 42 bits until the year 2600.
const SIGNALS: Large = Large {
    table: outbox::TABLE,
    span: 100,
    columns: &[outbox::AT, outbox::IS_DEAD],
    state: "CAST(sum((id % 100 + 1) * 4398046511104 + at * 2 + is_dead) AS BIGINT)",
    part: |id, columns| match columns {
        [at, is_dead] => part_of_id(id).wrapping_add(at.wrapping_mul(2)).wrapping_add(*is_dead),
        _ => 0,
    },
};

fn part_of_id(id: i64) -> i64 {
    id.wrapping_rem(100).wrapping_add(1).wrapping_mul(1 << 42)
}

pub(super) const LARGE: [Large; 3] = [DEVICES, LINES, SIGNALS];
