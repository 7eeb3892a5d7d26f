//! Whether everything is accounted for, and what is printed.

use std::sync::atomic::Ordering;

use ringbus::{Balance, DrainReport};

use crate::handlers::Kept;
use crate::job::{Job, Kind, ORIGINS, Origin};
use crate::ledger::{Door, Ledger, SYSTEMS};
use crate::producers::PATHS;
use crate::system::System;

/// Takes what a drain has returned.
pub(crate) fn take_back(report: &DrainReport<Job>, system: &System, ledger: &Ledger) {
    report.undelivered.iter().for_each(|job| ledger.note(Door::Undelivered, job.mark));
    report.timers.iter().for_each(|job| ledger.note(Door::NotDue, job.mark));
    if report.in_flight != 0
        || report.pending != 0
        || report.pending_timers != 0
        || !report.running.is_empty()
    {
        ledger.complain(format_args!("{}: {report}", system.name()));
    }
}

/// Compares the store's books with the example's, at rest; gives the store's.
pub(crate) fn settle(system: &System, kept: &Kept, ledger: &Ledger) -> Option<Balance> {
    let (name, index) = (system.name(), system.index);
    for origin in ORIGINS {
        let count = |door| ledger.count(door, Some(origin), index);
        let digest = |door| ledger.digest(door, origin, index);
        let out =
            [Door::Handled, Door::Displaced, Door::Cancelled, Door::NotDue, Door::Undelivered];
        let left = out.into_iter().map(count).sum();
        let what = format!("{name}, {origin:?}: given = handled + displaced + returned");
        ledger.expect_equal(&what, count(Door::Given), left);
        let left = out.into_iter().map(digest).fold(0, u64::wrapping_add);
        ledger.expect_equal(format!("{what}, which"), digest(Door::Given), left);
    }
    let metrics = system.metrics();
    let count = |door| ledger.count(door, None, index);
    let not_accepted = count(Door::Cancelled) + count(Door::NotDue);
    let equal = |what: &str, left, right| {
        ledger.expect_equal(format_args!("{name}: {what}"), left, right);
    };
    equal("accepted", metrics.accepted, count(Door::Given) - not_accepted);
    equal("handled", metrics.handled, count(Door::Handled));
    equal("unhandled", metrics.unhandled, 0);
    equal("displaced", metrics.displaced(), count(Door::Displaced));
    equal("undelivered", metrics.undelivered, count(Door::Undelivered));
    settle_subscriptions(system, kept, ledger);
    match system.audit() {
        Ok(balance) => Some(balance),
        Err(error) => {
            ledger.complain(format_args!("{name}: {error}"));
            None
        }
    }
}

/// What the subscriptions count is what their handlers have seen.
fn settle_subscriptions(system: &System, kept: &Kept, ledger: &Ledger) {
    let (name, seen) = (system.name(), &ledger.seen[system.index]);
    let equal = |what: &str, left, right| {
        ledger.expect_equal(format_args!("{name}: {what}"), left, right);
    };
    let all = [&kept.meter, &kept.flaky, &kept.collected].map(ringbus::Subscription::stats);
    let [Some(meter), Some(flaky), Some(collected)] = all else {
        ledger.complain(format_args!("{name}: a subscription is gone"));
        return;
    };
    if kept.others.iter().any(|other| other.stats().is_none()) {
        ledger.complain(format_args!("{name}: a subscription is gone"));
    }
    let handled = ledger.count(Door::Handled, None, system.index);
    equal("the meter succeeded", meter.succeeded, handled);
    equal("the meter was offered", meter.offered, handled);
    equal("flaky was offered", flaky.offered, seen.of(Kind::Flaky));
    equal("flaky succeeded", flaky.succeeded, seen.flaky_succeeded.load(Ordering::Relaxed));
    equal("flaky is retrying", flaky.retrying, 0);
    equal("collected was offered", collected.offered, seen.of(Kind::Collected));
    equal("succeeded in batches", collected.succeeded, seen.collected.load(Ordering::Relaxed));
    equal("left in batches", collected.collected, 0);
    let panicked = system.metrics().panicked_calls;
    equal("panicked", panicked, seen.panicked.load(Ordering::Relaxed));
    let letters = system.letters.stats();
    let gone = letters.letters + letters.dropped + letters.taken;
    equal("letters filed", letters.filed, gone);
}

/// A row for each origin: what came of its events in all stores.
pub(crate) fn print_origins(ledger: &Ledger) {
    println!(
        "{:<26} {:>10} {:>10} {:>10} {:>10} {:>8} {:>12} {:>10}",
        "from",
        "accepted",
        "handled",
        "displaced",
        "cancelled",
        "not due",
        "undelivered",
        "rejected"
    );
    for origin in ORIGINS {
        let count = |door| {
            let of = |system| ledger.count(door, Some(origin), system);
            (0..SYSTEMS).map(of).sum::<u64>()
        };
        let name = match origin {
            Origin::Producer(number) => format!("producer {number}, {}", PATHS[number]),
            Origin::Handlers => "handlers".to_owned(),
            Origin::Timers => "timers".to_owned(),
            Origin::Series => "series".to_owned(),
        };
        println!(
            "{name:<26} {:>10} {:>10} {:>10} {:>10} {:>8} {:>12} {:>10}",
            count(Door::Given),
            count(Door::Handled),
            count(Door::Displaced),
            count(Door::Cancelled),
            count(Door::NotDue),
            count(Door::Undelivered),
            count(Door::Rejected)
        );
    }
}

/// A line for each store.
pub(crate) fn print_system(system: &System, report: &DrainReport<Job>) {
    let metrics = system.metrics();
    println!(
        "{:<8} {:<12} {} failed calls, {} of them panicked; {} timers, {} of them delayed; {} \
         reported as stuck; letters: {:?}; {report}",
        system.name(),
        system.policy.to_string(),
        metrics.failed_calls,
        metrics.panicked_calls,
        metrics.timers_scheduled,
        metrics.timers_delayed,
        metrics.stuck_calls,
        system.letters.stats()
    );
}

/// The last line, from the stores' own books.
pub(crate) fn print_balance(balances: &[Balance]) {
    let sum = |field: fn(&Balance) -> u64| balances.iter().map(field).sum::<u64>();
    println!(
        "audit ok: {} accepted = {} handled + {} unhandled + {} displaced + {} undelivered + {} \
         pending",
        sum(|balance| balance.accepted),
        sum(|balance| balance.handled),
        sum(|balance| balance.unhandled),
        sum(|balance| balance.displaced),
        sum(|balance| balance.undelivered),
        sum(|balance| balance.pending)
    );
}
