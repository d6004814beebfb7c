//! The columns of each table, in the order in which statements list them.
//!
//! A new column is a line here, a last step of the migrations in `schema`, and the code that reads
//! and writes its value: `rows` for a device, `lines` and `trail` for the trail.

use crate::database::Type;

/// A table with its columns, of which the first is its key.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [(&'static str, Type)],
}

/// Defines a constant for each name: its position in the list.
macro_rules! positions {
    ($position:expr;) => {};
    ($position:expr; $NAME:ident $($rest:ident)*) => {
        pub(crate) const $NAME: usize = $position;
        positions!($position + 1; $($rest)*);
    };
}

/// Defines a table from groups of its columns, each by its constant, its name and its type.
///
/// A module gets the name of the table. It holds the columns, their number, and the position of
/// each as a constant. For each group, a macro lists its columns or their parameters for `concat!`,
/// so that statements stay constants. A group called `_` has no macro.
macro_rules! table {
    ($(#[$doc:meta])* $table:ident $($list:tt { $($NAME:ident $column:literal $kind:ident,)+ })+) => {
        $(#[$doc])*
        #[allow(dead_code, reason = "not every column is read by its position")]
        pub(crate) mod $table {
            use crate::database::Type;
            use crate::store::columns::Table;

            pub(crate) const TABLE: Table = Table { name: stringify!($table), columns: &COLUMNS };
            pub(crate) const COUNT: usize = [$($($column),+),+].len();
            pub(crate) const COLUMNS: [(&str, Type); COUNT] = [$($(($column, Type::$kind)),+),+];
            positions!(0; $($($NAME)+)+);
        }
        $(table! { @list $list $($column)+ })+
    };
    (@list _ $($column:literal)+) => {};
    (@list $list:ident $first:literal $($column:literal)*) => {
        macro_rules! $list {
            () => { concat!($first $(, ", ", $column)*) };
            (parameters) => { concat!("$", $first $(, ", $", $column)*) };
        }
        pub(crate) use $list;
    };
}

table! {
    /// Devices. A list of devices does not need the second group.
    device
    device_row_columns {
        ID "id" Number,
        NAME "name" Text,
        USER_NAME "user_name" Text,
        EMAIL "email" Text,
        PHONE "phone" Text,
        EXTERNAL_ID "external_id" Text,
        DELETED "deleted" Number,
        KIND "kind" Text,
        STATUS "status" Text,
        FAILS "fails" Number,
        CREATED "created" Number,
        LAST_USED "last_used" Number,
        LAST_MODIFIED "last_modified" Number,
    }
    device_record_columns {
        VERSION "version" Number,
        RECORD "record" Bytes,
    }
}

table! {
    /// The audit trail. The database numbers its lines.
    trail
    trail_key_column {
        ID "id" Number,
    }
    trail_line_columns {
        AT "at" Number,
        EVENT "event" Text,
        ACTOR "actor" Text,
        DEVICE "device" Number,
        USER_NAME "user_name" Text,
        SUCCESS "success" Number,
        REASON "reason" Text,
        DRIFT "drift" Number,
    }
}

table! {
    /// Accounts of the service.
    account
    account_columns {
        NAME "name" Text,
        ROLES "roles" Text,
        PASSWORD "password" Text,
        TOKEN "token" Text,
    }
}

table! {
    /// Key check values.
    key_check
    key_check_columns {
        KEY_ID "key_id" Number,
        VALUE "value" Bytes,
        RETIRING "retiring" Number,
    }
}

table! {
    /// Which migration a store is part of.
    migration
    migration_columns {
        SOURCE "source" Text,
        TARGET "target" Text,
        RUN "run" Text,
    }
}

table! {
    /// Counters of messages, one for each interval of each limit.
    message_count
    message_count_columns {
        COUNTER "counter" Text,
        SENT "sent" Number,
        ENDS "ends" Number,
    }
}

table! {
    /// Signals that wait for a receiver, one row for each receiver of a signal. The database
    /// numbers them.
    outbox
    _ {
        ID "id" Number,
    }
    outbox_row_columns {
        RECEIVER "receiver" Text,
        JTI "jti" Text,
        DEVICE "device" Number,
        AT "at" Number,
        SIGNAL "signal" Text,
    }
    _ {
        IS_DEAD "is_dead" Number,
        ERROR "error" Text,
    }
}

table! {
    /// What is known of each receiver of signals, and which process sends to it.
    signal_stream
    signal_stream_columns {
        RECEIVER "receiver" Text,
        OWNER "owner" Text,
        BEAT "beat" Number,
        IS_PAUSED "is_paused" Number,
        LOST "lost" Number,
        ERROR "error" Text,
        FAILING_SINCE "failing_since" Number,
    }
}

table! {
    /// Counters of the store.
    sequence
    _ {
        NAME "name" Text,
        LAST "last" Number,
    }
}
