//! A count of what really went wrong, and of what was really done: a run in which something never happened proves nothing about it.

/// Declares the counts, all of one type, once.
macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        #[derive(Debug, Default)]
        pub(crate) struct Faults {
            $($(#[$doc])* pub(crate) $name: u32,)+
        }

        impl Faults {
            pub(crate) fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)+
            }

            /// Names of what happened fewer times than that.
            pub(crate) fn rarer_than(&self, times: u32) -> Vec<&'static str> {
                let all = [$((stringify!($name), self.$name)),+];
                all.into_iter().filter(|(_, count)| *count < times).map(|(name, _)| name).collect()
            }
        }
    };
}

faults! {
    cut_requests,
    cut_responses,
    copies,
    late_requests,
    /// Exchanges that one hub had begun when the edge came to another.
    fenced,
    kills,
    scope_changes,
    /// Things happened at the hub between the pages of an answer and its end.
    meanwhile,
    refused,
    sold_offline,
    /// Sales that came to the hub when the units had been sold again: their order was taken back, and that waited for it.
    shorts,
    handed_over_between,
    /// Cancels that were sure at their edge, and broke the hub: what was sold of their units waits with them.
    broken_cancels,
    gaps,
    too_late,
    cancels_by_buyers_at_the_hub,
    cancels_by_clerks_at_the_hub,
    quarantined,
    held,
    retried,
    dismissed,
    /// The hub's clock was years off for one exchange.
    hub_jumps,
    pruned_at_edges,
    pruned_at_the_hub,
    counts_up,
    counts_down,
    /// Counts that found less than was sold.
    counts_of_what_was_sold,
    /// Counts of which the hub took less from the office's units than the office had, or more.
    booked_with_less,
    booked_with_more,
    /// Changes of the stock that were taken back: before they left, before their answer, while they waited at the hub for an operator,
    /// after it, and after one that said that orders are short.
    undone_unsent,
    undone_on_its_way,
    undone_waiting,
    undone_applied,
    undone_short,
    /// Those that an operator put aside all the same.
    undone_and_put_aside,
}
