//! Timers: who waits for them, who cancels them, and the end of the store.

use super::{Weakening, text};

pub(super) const ROWS: &[Weakening] = &[
    text(
        "timer rings nobody",
        "store/timers.rs",
        &[(
            "event, is_closed, put)?;\n        if is_first {",
            "event, is_closed, put)?;\n        if is_first && false {",
        )],
        ("timers", &["schedule_vs_publish_wait"]),
    ),
    text(
        "timer rings before it is in",
        "store/timers.rs",
        &[
            (
                "        let (handle, is_first) = self.timers.schedule((when",
                "        self.intake.wake_waiting();\n        let (handle, is_first) = self.timers.schedule((when",
            ),
            (
                "event, is_closed, put)?;\n        if is_first {",
                "event, is_closed, put)?;\n        if is_first && false {",
            ),
        ],
        ("timers", &["schedule_vs_publish_wait"]),
    ),
    text(
        "timer does not say when it is due",
        "timer/mod.rs",
        &[("            self.next.store(tick, Ordering::Relaxed);\n", "")],
        ("timers", &["schedule_vs_publish_wait"]),
    ),
    text(
        "news outside of the bell, of a timer",
        "ring/park.rs",
        &[("|| !news() && self.mark_parked()", "|| self.mark_parked()")],
        ("timers", &["schedule_vs_publish_wait"]),
    ),
    text(
        "news after the look, of a timer",
        "store/next.rs",
        &[
            ("            let seen = self.news();\n", ""),
            (
                "            if due == Some(Duration::ZERO) {",
                "            let seen = self.news();\n            if due == Some(Duration::ZERO) {",
            ),
        ],
        ("timers", &["schedule_vs_publish_wait"]),
    ),
    text(
        "cancel counted before it is known",
        "timer/leave.rs",
        &[(
            "        let event = queue.cancel(id)?;\n        self.counts.cancelled.add(1);\n",
            "        self.counts.cancelled.add(1);\n        let event = queue.cancel(id)?;\n",
        )],
        ("timers", &["cancel_vs_fire"]),
    ),
    text(
        "schedule looks outside of the lock",
        "timer/mod.rs",
        &[
            (
                "        let mut queue = self.lock();\n        // Under the lock: who",
                "        let closed = is_closed();\n        let mut queue = self.lock();\n        // Under the lock: who",
            ),
            (
                "        if is_closed() {\n            return Err(ScheduleError::Closed(event));",
                "        if closed {\n            return Err(ScheduleError::Closed(event));",
            ),
        ],
        ("timers", &["schedule_vs_drain"]),
    ),
    text(
        "a clock that jumps rings nobody",
        "store/next.rs",
        &[(
            "        self.due_news.fetch_add(1, Ordering::Relaxed);\n        self.intake.wake_waiting();\n",
            "        self.due_news.fetch_add(1, Ordering::Relaxed);\n",
        )],
        ("timers", &["jump_vs_publish_wait"]),
    ),
    text(
        "a clock that jumps is no news",
        "store/next.rs",
        &[("        self.due_news.fetch_add(1, Ordering::Relaxed);\n", "")],
        ("timers", &["jump_vs_publish_wait"]),
    ),
    text(
        "a series that is cancelled leaves its next time",
        "timer/queue.rs",
        &[("        self.wheel.as_mut()?.cancel(series.id);\n", "")],
        ("timers", &["cancel_series_vs_fire"]),
    ),
    text(
        "a series that was cancelled is looked for in vain",
        "timer/queue.rs",
        &[(
            "            None => Some(make),\n",
            "            None => unreachable!(\"it is there\"),\n",
        )],
        ("timers", &["cancel_series_vs_fire"]),
    ),
];
