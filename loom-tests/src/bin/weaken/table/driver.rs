//! The threads of a store: what wakes the driver, and what those who wait for it see.

use super::{Weakening, relaxed, text};

pub(super) const ROWS: &[Weakening] = &[
    relaxed("flush-heard", "driver", &["flush_vs_driver"]),
    relaxed("flush-asked", "driver", &["flush_vs_driver"]),
    relaxed("flush-done-seen", "driver", &["flush_vs_driver"]),
    relaxed("flush-done", "driver", &["flush_vs_driver"]),
    text(
        "a send does not ring for the driver",
        "ring/park.rs",
        &[(
            "if tail_before & PARKED != 0 {",
            "if tail_before & PARKED != 0 && tail_before & CLOSED != 0 {",
        )],
        ("driver", &["driver_sleeps_vs_send"]),
    ),
    text(
        "close does not ring for the driver",
        "ring/mod.rs",
        &[(
            "            self.wake_readers(tail);\n            return tail & CLOSED",
            "            return tail & CLOSED",
        )],
        ("driver", &["driver_sleeps_vs_close", "driver_sleeps_vs_last_handle"]),
    ),
    text(
        "last handle does not close",
        "store/crew/mod.rs",
        &[("        self.close();\n", "")],
        ("driver", &["driver_sleeps_vs_last_handle"]),
    ),
    text(
        "a flush does not ring",
        "store/crew/flush.rs",
        &[("        self.intake.wake_waiting();\n", "")],
        ("driver", &["flush_vs_driver"]),
    ),
    text(
        "the driver tells no flush",
        "store/crew/flush.rs",
        &[("        }\n        self.dispatcher.waiting().notify();\n", "        }\n")],
        ("driver", &["flush_vs_driver"]),
    ),
    text(
        "driver sleeps without a look at the flushes",
        "store/crew/drive.rs",
        &[(
            "self.news() != seen || self.is_asked();",
            "self.news() != seen || self.asks.is_asked();",
        )],
        ("driver", &["flush_vs_driver"]),
    ),
    text(
        "driver sleeps without a look at who asks",
        "store/crew/drive.rs",
        &[(
            "self.news() != seen || self.is_asked();",
            "self.news() != seen || self.crew.flushes.is_asked();",
        )],
        ("driver", &["answer_vs_driver"]),
    ),
    text(
        "who asks rings nobody",
        "store/send_wait.rs",
        &[("        self.intake.wake_waiting();\n        // In one", "        // In one")],
        ("driver", &["answer_vs_driver"]),
    ),
    text(
        "who asks does not look for a close",
        "store/send_wait.rs",
        &[("|| self.intake.is_closed())", "|| false)")],
        ("driver", &["answer_vs_close"]),
    ),
    text(
        "an answer is told before the lease is back",
        "store/crew/drive.rs",
        &[(
            "        drop(dispatch);\n        drop(answer);\n",
            "        drop(answer);\n        drop(dispatch);\n",
        )],
        ("driver", &["answer_vs_books"]),
    ),
    text(
        "driver looks for a flush after the tail",
        "store/crew/drive.rs",
        &[
            (
                "        let asked = self.crew.flushes.asked();\n        let target",
                "        let target",
            ),
            (
                "        dispatch.run_to(target);\n",
                "        dispatch.run_to(target);\n        let asked = self.crew.flushes.asked();\n",
            ),
        ],
        ("driver", &["flush_vs_driver"]),
    ),
    text(
        "a flush is told before the lease is back",
        "store/crew/drive.rs",
        &[(
            "        drop(dispatch);\n        drop(answer);\n        if owes {\n            self.complete_flushes(asked);\n        }\n",
            "        if owes {\n            self.complete_flushes(asked);\n        }\n        drop(dispatch);\n        drop(answer);\n",
        )],
        ("driver", &["flush_vs_books"]),
    ),
    text(
        "nobody says that the driver runs",
        "store/crew/mod.rs",
        &[("        self.starting.notify();\n", "")],
        ("driver", &["driver_sleeps_vs_last_handle"]),
    ),
    text(
        "a drain that gives up wakes no flush",
        "store/shutdown.rs",
        &[("        self.dispatcher.waiting().notify();\n        removed", "        removed")],
        ("driver", &["flush_vs_drain_out_of_time"]),
    ),
    text(
        "a flush looks for no drain that has given up",
        "store/crew/flush.rs",
        &[("self.is_abandoned().then_some(Err(FlushError::Abandoned))", "None")],
        ("driver", &["flush_vs_drain_out_of_time"]),
    ),
    text(
        "the last handle of the lanes waits for nobody",
        "store/lanes/mod.rs",
        &[("lane.end_crew(is_awaited);", "lane.end_crew(false);")],
        ("lanes", &["lanes_sleep_vs_last_handle"]),
    ),
    text(
        "a flush looks for no drain that took events",
        "store/crew/flush.rs",
        &[(
            "        if self.has_given_up() {\n            return Err(FlushError::Abandoned);\n        }\n",
            "",
        )],
        ("driver", &["flush_vs_give_up"]),
    ),
    text(
        "a flush looks without the books",
        "store/crew/flush.rs",
        &[("        drop(sync::lock(&self.left_over));\n", "")],
        ("driver", &["flush_vs_give_up"]),
    ),
];
