//! The store: its leases, its sleepers, its dispatch, its end.

use super::{Weakening, ordering, relaxed, text};

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
    text(
        "sleepers read by a plain load",
        "wait/wait_list.rs",
        &[(
            "self.sleepers.compare_exchange(0, 0, Ordering::Release, Ordering::Relaxed).is_ok();",
            "self.sleepers.load(Ordering::Acquire) == 0;",
        )],
        ("waiting", &["park_vs_wake", "park_vs_close"]),
    ),
    text(
        "one of two sleepers woken",
        "wait/wait_list.rs",
        &[("self.bell.notify_all();", "self.bell.notify_one();")],
        ("waiting", &["park_two_vs_close"]),
    ),
    text(
        "bell rung without the gate",
        "wait/wait_list.rs",
        &[("        drop(sync::lock(&self.gate));\n", "")],
        ("waiting", &["park_vs_wake", "park_vs_close"]),
    ),
    text(
        "room wakes nobody",
        "store/intake.rs",
        &[("&& run.len > 0", "&& run.len > usize::MAX - 1")],
        ("waiting", &["park_vs_wake"]),
    ),
    text(
        "room wakes no producer",
        "store/intake.rs",
        &[("&& run.len > 0", "&& run.len > usize::MAX - 1")],
        ("single_store", &["single_park_vs_wake"]),
    ),
    text(
        "close wakes nobody",
        "store/intake.rs",
        &[("        self.space.notify();\n        first\n", "        first\n")],
        ("waiting", &["park_vs_close"]),
    ),
    text(
        "close wakes no producer",
        "store/intake.rs",
        &[("        self.space.notify();\n        first\n", "        first\n")],
        ("single_store", &["single_park_vs_close"]),
    ),
    text(
        "end of a dispatch wakes nobody",
        "ring/lease.rs",
        &[("        self.0.notify();\n", "")],
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
    text(
        "a refused holder gives up the lease",
        "ring/lease.rs",
        &[(".then(|| Taken {", ".then_some(Taken {")],
        ("dispatch", &["concurrent_publish"]),
    ),
    text(
        "publish does not wait for another",
        "store/dispatch.rs",
        &[(
            "let dispatch = shared.take_dispatch(Goal::Publish, Deadline::NEVER);",
            "let dispatch = shared.try_take_dispatch().ok_or(());",
        )],
        ("dispatch", &["concurrent_publish"]),
    ),
    text(
        "table checked before the run",
        "store/dispatch.rs",
        &[
            (
                "        let scratch = &mut self.held.scratch;\n        let count_max",
                "        if shared.registry.has_newer(&self.held.seen) {\n            self.held.seen = shared.registry.look();\n        }\n        let scratch = &mut self.held.scratch;\n        let count_max",
            ),
            ("if shared.registry.has_newer(seen) {", "if false {"),
        ],
        ("dispatch", &["subscribe_vs_dispatch"]),
    ),
    text(
        "unsubscribe does not mark the end",
        "handler/profile.rs",
        &[("self.state.fetch_or(ENDED, Ordering::Relaxed);", "")],
        ("delivery", &["unsubscribe_vs_dispatch"]),
    ),
    text(
        "a call does not look for a pause",
        "handler/profile.rs",
        &[(
            "self.state.load(Ordering::Relaxed) == 0",
            "self.state.load(Ordering::Relaxed) & ENDED == 0",
        )],
        ("delivery", &["pause_vs_dispatch"]),
    ),
    text(
        "claim given back by what was read",
        "handler/profile.rs",
        &[(
            "self.state.fetch_and(!CLAIMED, Ordering::Relaxed)",
            "let before = self.state.load(Ordering::Relaxed);\n\
             self.state.store(before & !CLAIMED, Ordering::Relaxed);\n\
             before",
        )],
        ("delivery", &["give_back_vs_unsubscribe"]),
    ),
    text(
        "resume writes back what it has read",
        "handler/profile.rs",
        &[(
            "self.state.fetch_and(!PAUSED, Ordering::Relaxed)",
            "{\nlet before = self.state.load(Ordering::Relaxed);\n\
             self.state.store(before & !PAUSED, Ordering::Relaxed);\nbefore\n}",
        )],
        ("delivery", &["resume_vs_unsubscribe"]),
    ),
    text(
        "once does not end before the call",
        "handler/subscriber.rs",
        &[("if once == Once::FirstCall {", "if false {")],
        ("delivery", &["once_vs_two_dispatchers"]),
    ),
    text(
        "unsubscribe does not wait",
        "store/dispatch.rs",
        &[("self.take_dispatch(Goal::Lease, deadline).is_ok()", "{ let _ = deadline; true }")],
        ("delivery", &["unsubscribe_and_wait_vs_dispatch"]),
    ),
    text(
        "committed events on no books",
        "store/delivery.rs",
        &[("self.counters.dispatch.committed.add(done as u64);", "")],
        ("delivery", &["commit_vs_publish", "commit_vs_drain"]),
    ),
    text(
        "commit goes on after a drain gave up",
        "store/delivery.rs",
        &[("&& stop.is_none() && !self.is_abandoned() {", "&& stop.is_none() {")],
        ("delivery", &["commit_vs_drain_out_of_time"]),
    ),
    text(
        "commit lets go of the lease",
        "store/commit.rs",
        &[(
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
    text(
        "commit does not look again",
        "store/commit.rs",
        &[(
            "`no_commit_after_drain`.\n        if shared.intake.is_closed() {",
            "`no_commit_after_drain`.\n        if false {",
        )],
        ("delivery", &["no_commit_after_drain"]),
    ),
    text(
        "call that failed again rings nobody",
        "store/again.rs",
        &[("if keeper.pushes() != pushes {", "if false {")],
        ("again", &["second_retry_vs_publish_wait"]),
    ),
    text(
        "replay rings nobody",
        "store/replay.rs",
        &[("        shared.intake.wake_waiting();\n", "")],
        ("again", &["replay_vs_publish_wait"]),
    ),
    text(
        "replay rings before the calls are in",
        "store/replay.rs",
        &[
            ("        shared.intake.wake_waiting();\n", ""),
            (
                "        let Some(replayed) = keeper.replay(",
                "        shared.intake.wake_waiting();\n        let Some(replayed) = keeper.replay(",
            ),
        ],
        ("again", &["replay_vs_publish_wait"]),
    ),
    text(
        "news looked at outside of the bell",
        "ring/park.rs",
        &[("|| !news() && self.mark_parked()", "|| self.mark_parked()")],
        ("again", &["replay_vs_publish_wait"]),
    ),
    text(
        "news counted after the look",
        "store/next.rs",
        &[
            ("            let seen = self.news();\n", ""),
            (
                "            if due == Some(Duration::ZERO) {",
                "            let seen = self.news();\n            if due == Some(Duration::ZERO) {",
            ),
        ],
        ("again", &["replay_vs_publish_wait"]),
    ),
    text(
        "kept call rings nobody",
        "store/again.rs",
        &[(
            "if keeper.waiting() != 0 {\n            self.intake",
            "if false {\n            self.intake",
        )],
        ("again", &["retry_vs_publish_wait"]),
    ),
    text(
        "drain does not await a replay",
        "store/shutdown.rs",
        &[("            keeper.await_replays();\n", "")],
        ("again", &["replay_vs_drain"]),
    ),
    text(
        "replay looks outside of the lock",
        "store/sharing.rs",
        &[
            ("        let is_closed = (order.is_closed)();\n", ""),
            (
                "        let mut due = sync::lock(&self.due);\n        // Under",
                "        let is_closed = (order.is_closed)();\n        let mut due = sync::lock(&self.due);\n        // Under",
            ),
        ],
        ("again", &["replay_vs_drain"]),
    ),
    text(
        "left over events not set aside",
        "store/delivery.rs",
        &[("sync::lock(&self.left_over).extend(events);", "drop(events);")],
        ("shutdown", &["drain_out_of_time_vs_publish"]),
    ),
    text(
        "report: left over before in flight",
        "store/shutdown.rs",
        &[(
            "        let mut report = self.report(dispatched);\n        report.undelivered = std::mem::take(&mut *sync::lock(&self.left_over));\n",
            "        let left_over = std::mem::take(&mut *sync::lock(&self.left_over));\n        let mut report = self.report(dispatched);\n        report.undelivered = left_over;\n",
        )],
        ("shutdown", &["report_vs_publish"]),
    ),
    text(
        "audit looks only afterwards",
        "store/audit.rs",
        &[("        if !at_rest() {\n            return Err(AuditError::Busy);\n        }\n", "")],
        ("audit", &["audit_vs_send"]),
    ),
    text(
        "audit without the drain's lock",
        "store/audit.rs",
        &[("        let _books = sync::lock(&shared.left_over);\n", "")],
        ("audit", &["audit_vs_drain"]),
    ),
    text(
        "audit counts fewer values than none",
        "ring/mod.rs",
        &[(
            "tail.checked_sub(head) == Some(self.count_full())",
            "tail - head == self.count_full()",
        )],
        ("audit", &["audit_vs_two_displacing"]),
    ),
    text(
        "drain does not wait for a publish",
        "store/shutdown.rs",
        &[(
            "shared.take_dispatch(Goal::Publish, deadline) {",
            "shared.try_take_dispatch().ok_or(Unmet::Late) {",
        )],
        ("shutdown", &["drain_vs_publish"]),
    ),
    text(
        "drain does not look at the producer",
        "store/intake.rs",
        &[(
            "Rings::SingleLossless(single) => !single.ring.has_ended(),",
            "Rings::SingleLossless(_) => false,",
        )],
        ("single_store", &["single_drain_vs_send", "single_drain_out_of_time_vs_send"]),
    ),
    text(
        "a send does not ring",
        "ring/park.rs",
        &[(
            "if tail_before & PARKED != 0 {",
            "if tail_before & PARKED != 0 && tail_before & CLOSED != 0 {",
        )],
        ("waiting", &["reader_parks_vs_send", "reader_parks_vs_two_sends"]),
    ),
    text(
        "close does not ring",
        "ring/mod.rs",
        &[(
            "            self.wake_readers(tail);\n            return tail & CLOSED",
            "            return tail & CLOSED",
        )],
        ("waiting", &["reader_parks_vs_close"]),
    ),
    text(
        "reader parks without a look at the tail",
        "ring/park.rs",
        &[("let empty = tail & POSITION == head && tail & CLOSED == 0;", "let empty = true;")],
        ("waiting", &["reader_parks_vs_send", "reader_parks_vs_close"]),
    ),
    text(
        "reader parks beside a displacing send",
        "ring/park.rs",
        &[("(M::DISPLACES && self.is_displacing_at(head))", "false")],
        ("waiting", &["reader_parks_vs_displace"]),
    ),
    text(
        "reader parks outside of the gate",
        "wait/doorbell.rs",
        &[
            ("        let mut rung = sync::lock(&self.gate);\n        let before = *rung;\n", ""),
            (
                "            return false;\n        }\n",
                "            return false;\n        }\n        let mut rung = sync::lock(&self.gate);\n        let before = *rung;\n",
            ),
        ],
        ("waiting", &["reader_parks_vs_send"]),
    ),
];
