//! Timers: who waits for them, who cancels them, and the end of the store.

use super::Piece::{Let, Step, Term};
use super::{Weakening, switched};

pub(super) const ROWS: &[Weakening] = &[
    switched(
        "timer rings nobody",
        "store/timers.rs",
        &[Step(
            "event, is_closed, put)?;\n        if is_first {\n            self.intake.wake_waiting();\n        }\n",
            "event, is_closed, put)?;\n",
        )],
        ("timers", &["schedule_vs_publish_wait"]),
    ),
    switched(
        "timer rings before it is in",
        "store/timers.rs",
        &[
            Step(
                "        let (handle, is_first) = self.timers.schedule((when",
                "        self.intake.wake_waiting();\n        let (handle, is_first) = self.timers.schedule((when",
            ),
            Step(
                "event, is_closed, put)?;\n        if is_first {\n            self.intake.wake_waiting();\n        }\n",
                "event, is_closed, put)?;\n",
            ),
        ],
        ("timers", &["schedule_vs_publish_wait"]),
    ),
    switched(
        "timer does not say when it is due",
        "timer/mod.rs",
        &[Step("            self.next.store(tick, Ordering::Relaxed);\n", "")],
        ("timers", &["schedule_vs_publish_wait"]),
    ),
    switched(
        "news outside of the bell, of a timer",
        "ring/park.rs",
        &[Term("!news() && self.mark_parked()", "self.mark_parked()")],
        ("timers", &["schedule_vs_publish_wait"]),
    ),
    switched(
        "news after the look, of a timer",
        "store/next.rs",
        &[Let(
            "(seen, due)",
            "            let seen = self.news();\n            let due = self.next_due().map(|at| at.saturating_duration_since(self.now()));\n",
            "            let due = self.next_due().map(|at| at.saturating_duration_since(self.now()));\n            let seen = self.news();\n",
        )],
        ("timers", &["schedule_vs_publish_wait"]),
    ),
    switched(
        "cancel counted before it is known",
        "timer/leave.rs",
        &[Let(
            "event",
            "        let event = queue.cancel(id)?;\n        self.counts.cancelled.add(1);\n",
            "        self.counts.cancelled.add(1);\n        let event = queue.cancel(id)?;\n",
        )],
        ("timers", &["cancel_vs_fire"]),
    ),
    switched(
        "schedule looks outside of the lock",
        "timer/mod.rs",
        &[Let(
            "mut queue",
            "        let mut queue = self.lock();\n        // Under the lock: who has closed the store and then takes the lock finds all timers.\n        // Model: `schedule_vs_drain`.\n        if is_closed() {\n            return Err(ScheduleError::Closed(event));\n        }\n",
            "        let closed = is_closed();\n        let mut queue = self.lock();\n        if closed { return Err(ScheduleError::Closed(event)); }\n",
        )],
        ("timers", &["schedule_vs_drain"]),
    ),
    switched(
        "a clock that jumps rings nobody",
        "store/next.rs",
        &[Step(
            "        self.due_news.fetch_add(1, Ordering::Relaxed);\n        self.intake.wake_waiting();\n",
            "        self.due_news.fetch_add(1, Ordering::Relaxed);\n",
        )],
        ("timers", &["jump_vs_publish_wait"]),
    ),
    switched(
        "a clock that jumps is no news",
        "store/next.rs",
        &[Step("        self.due_news.fetch_add(1, Ordering::Relaxed);\n", "")],
        ("timers", &["jump_vs_publish_wait"]),
    ),
    switched(
        "a series that is cancelled leaves its next time",
        "timer/queue.rs",
        &[Step("        self.wheel.as_mut()?.cancel(series.id);\n", "")],
        ("timers", &["cancel_series_vs_fire"]),
    ),
    switched(
        "a series that was cancelled is looked for in vain",
        "timer/queue.rs",
        &[Term(
            "match self.series.get_mut(&number) {\n            Some(series) => series.make.replace(make),\n            None => Some(make),\n        }",
            "match self.series.get_mut(&number) {\n            Some(series) => series.make.replace(make),\n            None => unreachable!(\"it is there\"),\n        }",
        )],
        ("timers", &["cancel_series_vs_fire"]),
    ),
];
