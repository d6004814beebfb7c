//! A search, and the page of devices that a store finds.

use std::cmp::Ordering;

use crate::attribute::Attribute;
use crate::entry::Row;
use crate::filter::Filter;
use crate::order::{Sort, SortPosition};

/// The devices of a page, if the request does not say how many.
pub(crate) const DEFAULT_PAGE_DEVICES: u64 = 100;
/// The most devices of a page.
pub(crate) const MAX_PAGE_DEVICES: u64 = 1000;

/// What a store searches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Which devices.
    pub filter: Filter,
    /// Whether deleted devices are left out.
    pub excludes_deleted: bool,
    /// The order of the devices.
    pub sort: Sort,
    /// The order of devices that are equal in `sort`: by the first of these attributes in which
    /// they differ, in the direction of `sort`; by id if they differ in none. Empty with
    /// [`PageStart::After`].
    pub then_by: Vec<Attribute>,
    /// Where the page begins.
    pub start: PageStart,
    /// The most devices of the page: 0 to 1000, and 1 or more with [`PageStart::After`].
    pub limit: u64,
}

impl Query {
    /// Compares two devices in the order of the search.
    pub fn compare(&self, one: &Row, other: &Row) -> Ordering {
        let orders = self.then_by.iter().map(|&by| Sort { by, ..self.sort });
        std::iter::once(self.sort)
            .chain(orders)
            .map(|sort| sort.compare_keys(&sort.position(one), &sort.position(other)))
            .fold(Ordering::Equal, Ordering::then)
            .then(one.id.cmp(&other.id))
    }
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageStart {
    /// After this many devices.
    Offset(u64),
    /// After this position; without one, at the first device. These are the pages of a walk
    /// through all devices, which must reach the last one: every page but the last has at least one
    /// device, for the next page to begin after.
    After(Option<SortPosition>),
}

/// The devices that a store found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The number of all devices that match. None after a position, where a store does not count
    /// them.
    pub total: Option<u64>,
    /// The devices of the page.
    pub rows: Vec<Row>,
    /// Whether other devices follow.
    pub has_more: bool,
}
