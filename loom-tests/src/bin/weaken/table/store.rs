//! The store: its leases, its sleepers, its dispatch, its end.

use super::Piece::{Let, Step, Term};
use super::{Weakening, ordering, relaxed, switched, text};

pub(super) const ROWS: &[Weakening] = &[
    relaxed("lease-taken", "dispatch", &["concurrent_publish"]),
    relaxed("lease-released", "dispatch", &["concurrent_publish"]),
    ordering(
        "lease-taken, of the consumer",
        ("lease-taken", "Relaxed"),
        "single_store",
        &["single_drain_out_of_time_vs_publish"],
    ),
    ordering(
        "lease-released, of the consumer",
        ("lease-released", "Relaxed"),
        "single_store",
        &["single_drain_out_of_time_vs_publish"],
    ),
    relaxed("sleeper-counted", "waiting", &["park_vs_wake", "park_vs_close"]),
    relaxed("sleeper-seen", "waiting", &["park_vs_wake", "park_vs_close"]),
    ordering(
        "sleeper-counted, by a producer",
        ("sleeper-counted", "Relaxed"),
        "single_store",
        &["single_park_vs_wake", "single_park_vs_close"],
    ),
    ordering(
        "sleeper-seen, by a producer",
        ("sleeper-seen", "Relaxed"),
        "single_store",
        &["single_park_vs_wake", "single_park_vs_close"],
    ),
    switched(
        "sleepers read by a plain load",
        "wait/wait_list.rs",
        &[Term(
            "self.sleepers.compare_exchange(0, 0, Ordering::Release, Ordering::Relaxed).is_ok()",
            "self.sleepers.load(Ordering::Acquire) == 0",
        )],
        ("waiting", &["park_vs_wake", "park_vs_close"]),
    ),
    switched(
        "one of two sleepers woken",
        "wait/wait_list.rs",
        &[Step("self.bell.notify_all();", "self.bell.notify_one();")],
        ("waiting", &["park_two_vs_close"]),
    ),
    switched(
        "bell rung without the gate",
        "wait/wait_list.rs",
        &[Step("        drop(sync::lock(&self.gate));\n", "")],
        ("waiting", &["park_vs_wake", "park_vs_close"]),
    ),
    switched(
        "room wakes nobody",
        "store/intake.rs",
        &[Term(
            "self.policy == OverrunPolicy::Block && run.len > 0",
            "self.policy == OverrunPolicy::Block && run.len > usize::MAX - 1",
        )],
        ("waiting", &["park_vs_wake"]),
    ),
    switched(
        "room wakes no producer",
        "store/intake.rs",
        &[Term(
            "self.policy == OverrunPolicy::Block && run.len > 0",
            "self.policy == OverrunPolicy::Block && run.len > usize::MAX - 1",
        )],
        ("single_store", &["single_park_vs_wake"]),
    ),
    switched(
        "close wakes nobody",
        "store/intake.rs",
        &[Step("        self.space.notify();\n        first\n", "        first\n")],
        ("waiting", &["park_vs_close"]),
    ),
    switched(
        "close wakes no producer",
        "store/intake.rs",
        &[Step("        self.space.notify();\n        first\n", "        first\n")],
        ("single_store", &["single_park_vs_close"]),
    ),
    switched(
        "end of a dispatch wakes nobody",
        "ring/lease.rs",
        &[Step("        self.0.notify();\n", "")],
        ("dispatch", &["concurrent_publish"]),
    ),
    text(
        "end of a dispatch wakes too early",
        "ring/lease.rs",
        &[(
            "    taken: Taken<'a, T>,\n    _wakes: Wakes<'a>,\n",
            "    _wakes: Wakes<'a>,\n    taken: Taken<'a, T>,\n",
        )],
        ("dispatch", &["concurrent_publish"]),
    ),
    switched(
        "a refused holder gives up the lease",
        "ring/lease.rs",
        &[Term(
            "self.taken\n            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)\n            .is_ok()\n            // Made only on success: dropping one gives the right up, whoever has it.\n            .then(|| Taken { exclusive: self, value: PhantomData })",
            "self.taken\n            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)\n            .is_ok()\n            .then_some(Taken { exclusive: self, value: PhantomData })",
        )],
        ("dispatch", &["concurrent_publish"]),
    ),
    switched(
        "publish does not wait for another",
        "store/dispatch.rs",
        &[Term(
            "shared.take_dispatch(Goal::Publish, Deadline::NEVER)",
            "shared.try_take_dispatch().ok_or(Unmet::Late)",
        )],
        ("dispatch", &["concurrent_publish"]),
    ),
    switched(
        "table checked before the run",
        "store/dispatch.rs",
        &[
            Step(
                "        let scratch = &mut self.held.scratch;\n        let count_max",
                "        if shared.registry.has_newer(&self.held.seen) {\n            self.held.seen = shared.registry.look();\n        }\n        let scratch = &mut self.held.scratch;\n        let count_max",
            ),
            Term("shared.registry.has_newer(seen)", "false"),
        ],
        ("dispatch", &["subscribe_vs_dispatch"]),
    ),
    switched(
        "unsubscribe does not mark the end",
        "handler/profile.rs",
        &[Step("self.state.fetch_or(ENDED, Ordering::Relaxed);", "")],
        ("delivery", &["unsubscribe_vs_dispatch"]),
    ),
    switched(
        "a call does not look for a pause",
        "handler/profile.rs",
        &[Term(
            "self.state.load(Ordering::Relaxed) == 0",
            "self.state.load(Ordering::Relaxed) & ENDED == 0",
        )],
        ("delivery", &["pause_vs_dispatch"]),
    ),
    switched(
        "claim given back by what was read",
        "handler/profile.rs",
        &[Term(
            "self.state.fetch_and(!CLAIMED, Ordering::Relaxed)",
            "{\nlet before = self.state.load(Ordering::Relaxed);\nself.state.store(before & !CLAIMED, Ordering::Relaxed);\nbefore\n}",
        )],
        ("delivery", &["give_back_vs_unsubscribe"]),
    ),
    switched(
        "resume writes back what it has read",
        "handler/profile.rs",
        &[Term(
            "self.state.fetch_and(!PAUSED, Ordering::Relaxed)",
            "{\nlet before = self.state.load(Ordering::Relaxed);\n\
             self.state.store(before & !PAUSED, Ordering::Relaxed);\nbefore\n}",
        )],
        ("delivery", &["resume_vs_unsubscribe"]),
    ),
    switched(
        "once does not end before the call",
        "handler/subscriber.rs",
        &[Term("once == Once::FirstCall", "false")],
        ("delivery", &["once_vs_two_dispatchers"]),
    ),
    switched(
        "unsubscribe does not wait",
        "store/dispatch.rs",
        &[Term("self.take_dispatch(Goal::Lease, deadline).is_ok()", "{ let _ = deadline; true }")],
        ("delivery", &["unsubscribe_and_wait_vs_dispatch"]),
    ),
    switched(
        "committed events on no books",
        "store/delivery.rs",
        &[Step("self.counters.dispatch.committed.add(done as u64);", "")],
        ("delivery", &["commit_vs_publish", "commit_vs_drain"]),
    ),
    switched(
        "commit goes on after a drain gave up",
        "store/delivery.rs",
        &[Term(
            "!events.as_slice().is_empty() && stop.is_none() && !self.is_abandoned()",
            "!events.as_slice().is_empty() && stop.is_none()",
        )],
        ("delivery", &["commit_vs_drain_out_of_time"]),
    ),
    switched(
        "commit lets go of the lease",
        "store/commit.rs",
        &[Let(
            "result",
            "        let result = shared.commit(events, &mut dispatch.held);
        dispatch.flush(Flush::EndOfPublish, Deadline::NEVER);
        dispatch.run_if_asked();
",
            "        dispatch.flush(Flush::EndOfPublish, Deadline::NEVER);
        drop(dispatch);
        let result = shared.commit(events, &mut Dispatcher::new(1, shared.registry.look()));
",
        )],
        ("delivery", &["commit_vs_publish"]),
    ),
    relaxed("push-told", "again", &["replay_vs_publish_wait"]),
    relaxed("push-heard", "again", &["replay_vs_publish_wait"]),
    switched(
        "commit does not look again",
        "store/commit.rs",
        &[Step(
            "`no_commit_after_drain`.\n        if shared.intake.is_closed() {\n            return Err(CommitError::Closed);\n        }\n",
            "`no_commit_after_drain`.\n",
        )],
        ("delivery", &["no_commit_after_drain"]),
    ),
    switched(
        "call that failed again rings nobody",
        "store/again.rs",
        &[Term("keeper.pushes() != pushes", "false")],
        ("again", &["second_retry_vs_publish_wait"]),
    ),
    switched(
        "replay rings nobody",
        "store/replay.rs",
        &[Step("        shared.intake.wake_waiting();\n", "")],
        ("again", &["replay_vs_publish_wait"]),
    ),
    switched(
        "replay rings before the calls are in",
        "store/replay.rs",
        &[
            Step("        shared.intake.wake_waiting();\n", ""),
            Step(
                "        let Some(replayed) = keeper.replay(",
                "        shared.intake.wake_waiting();\n        let Some(replayed) = keeper.replay(",
            ),
        ],
        ("again", &["replay_vs_publish_wait"]),
    ),
    switched(
        "news looked at outside of the bell",
        "ring/park.rs",
        &[Term("!news() && self.mark_parked()", "self.mark_parked()")],
        ("again", &["replay_vs_publish_wait"]),
    ),
    switched(
        "news counted after the look",
        "store/next.rs",
        &[Let(
            "(seen, due)",
            "            let seen = self.news();\n            let due = self.next_due().map(|at| at.saturating_duration_since(self.now()));\n",
            "            let due = self.next_due().map(|at| at.saturating_duration_since(self.now()));\n            let seen = self.news();\n",
        )],
        ("again", &["replay_vs_publish_wait"]),
    ),
    switched(
        "kept call rings nobody",
        "store/again.rs",
        &[Step(
            "        if keeper.waiting() != 0 {\n            self.intake.wake_waiting();\n        }\n",
            "",
        )],
        ("again", &["retry_vs_publish_wait"]),
    ),
    switched(
        "drain does not await a replay",
        "store/shutdown.rs",
        &[Step("            keeper.await_replays();\n", "")],
        ("again", &["replay_vs_drain"]),
    ),
    switched(
        "replay looks outside of the lock",
        "store/sharing.rs",
        &[Let(
            "(mut due, is_closed)",
            "        let mut due = sync::lock(&self.due);\n        // Under the lock: who has closed the store and then takes the lock finds all of them.\n        let is_closed = (order.is_closed)();\n",
            "        let is_closed = (order.is_closed)();\n        let mut due = sync::lock(&self.due);\n",
        )],
        ("again", &["replay_vs_drain"]),
    ),
    switched(
        "left over events not set aside",
        "store/delivery.rs",
        &[Step("sync::lock(&self.left_over).extend(events);", "drop(events);")],
        ("shutdown", &["drain_out_of_time_vs_publish"]),
    ),
    switched(
        "report: left over before in flight",
        "store/shutdown.rs",
        &[Let(
            "mut report",
            "        let mut report = self.report(dispatched);\n        report.undelivered = std::mem::take(&mut *sync::lock(&self.left_over));\n",
            "        let left_over = std::mem::take(&mut *sync::lock(&self.left_over));\n        let mut report = self.report(dispatched);\n        report.undelivered = left_over;\n",
        )],
        ("shutdown", &["report_vs_publish"]),
    ),
    switched(
        "audit looks only afterwards",
        "store/audit.rs",
        &[Step(
            "        if !at_rest() {\n            return Err(AuditError::Busy);\n        }\n",
            "",
        )],
        ("audit", &["audit_vs_send"]),
    ),
    text(
        "audit without the drain's lock",
        "store/audit.rs",
        &[("        let _books = sync::lock(&shared.left_over);\n", "")],
        ("audit", &["audit_vs_drain"]),
    ),
    switched(
        "audit counts fewer values than none",
        "ring/mod.rs",
        &[Term(
            "tail.checked_sub(head) == Some(self.count_full())",
            "tail - head == self.count_full()",
        )],
        ("audit", &["audit_vs_two_displacing"]),
    ),
    switched(
        "drain does not wait for a publish",
        "store/shutdown.rs",
        &[Term(
            "shared.take_dispatch(Goal::Publish, deadline)",
            "shared.try_take_dispatch().ok_or(Unmet::Late)",
        )],
        ("shutdown", &["drain_vs_publish"]),
    ),
    switched(
        "drain does not look at the producer",
        "store/intake.rs",
        &[Term(
            "match &self.rings {\n            Rings::Lossless(_) | Rings::Displacing(_) => false,\n            Rings::SingleLossless(single) => !single.ring.has_ended(),\n            Rings::SingleDisplacing(single) => !single.ring.has_ended(),\n        }",
            "match &self.rings {\n            Rings::Lossless(_) | Rings::Displacing(_) => false,\n            Rings::SingleLossless(_) => false,\n            Rings::SingleDisplacing(single) => !single.ring.has_ended(),\n        }",
        )],
        ("single_store", &["single_drain_vs_send", "single_drain_out_of_time_vs_send"]),
    ),
    switched(
        "a send does not ring",
        "ring/park.rs",
        &[Term(
            "tail_before & PARKED != 0",
            "tail_before & PARKED != 0 && tail_before & CLOSED != 0",
        )],
        ("waiting", &["reader_parks_vs_send", "reader_parks_vs_two_sends"]),
    ),
    switched(
        "close does not ring",
        "ring/mod.rs",
        &[Step(
            "            self.wake_readers(tail);\n            return tail & CLOSED == 0;\n",
            "            return tail & CLOSED == 0;\n",
        )],
        ("waiting", &["reader_parks_vs_close"]),
    ),
    switched(
        "reader parks without a look at the tail",
        "ring/park.rs",
        &[Term("tail & POSITION == head && tail & CLOSED == 0", "true")],
        ("waiting", &["reader_parks_vs_send", "reader_parks_vs_close"]),
    ),
    switched(
        "reader parks beside a displacing send",
        "ring/park.rs",
        &[Term("(M::DISPLACES && self.is_displacing_at(head))", "false")],
        ("waiting", &["reader_parks_vs_displace"]),
    ),
    switched(
        "reader parks outside of the gate",
        "wait/doorbell.rs",
        &[Let(
            "(mut rung, before)",
            "        let mut rung = sync::lock(&self.gate);\n        let before = *rung;\n        if !mark() {\n            return false;\n        }\n",
            "        if !mark() {\n            return false;\n        }\n        let mut rung = sync::lock(&self.gate);\n        let before = *rung;\n",
        )],
        ("waiting", &["reader_parks_vs_send"]),
    ),
];
