//! The threads of a store: what wakes the driver, and what those who wait for it see.

use super::Piece::{Let, Step, Term};
use super::{Weakening, relaxed, switched};

pub(super) const ROWS: &[Weakening] = &[
    relaxed("flush-heard", "driver", &["flush_vs_driver"]),
    relaxed("flush-asked", "driver", &["flush_vs_driver"]),
    relaxed("flush-done-seen", "driver", &["flush_vs_driver"]),
    relaxed("flush-done", "driver", &["flush_vs_driver"]),
    switched(
        "a send does not ring for the driver",
        "ring/park.rs",
        &[Term(
            "tail_before & PARKED != 0",
            "tail_before & PARKED != 0 && tail_before & CLOSED != 0",
        )],
        ("driver", &["driver_sleeps_vs_send"]),
    ),
    switched(
        "close does not ring for the driver",
        "ring/mod.rs",
        &[Step(
            "            self.wake_readers(tail);\n            return tail & CLOSED == 0;\n",
            "            return tail & CLOSED == 0;\n",
        )],
        ("driver", &["driver_sleeps_vs_close", "driver_sleeps_vs_last_handle"]),
    ),
    switched(
        "last handle does not close",
        "store/crew/mod.rs",
        &[Step("        self.close();\n", "")],
        ("driver", &["driver_sleeps_vs_last_handle"]),
    ),
    switched(
        "a flush does not ring",
        "store/crew/flush.rs",
        &[Step("        self.intake.wake_waiting();\n", "")],
        ("driver", &["flush_vs_driver"]),
    ),
    switched(
        "the driver tells no flush",
        "store/crew/flush.rs",
        &[Step("        }\n        self.dispatcher.waiting().notify();\n", "        }\n")],
        ("driver", &["flush_vs_driver"]),
    ),
    switched(
        "driver sleeps without a look at the flushes",
        "store/crew/drive.rs",
        &[Term(
            "self.news() != seen || self.is_asked()",
            "self.news() != seen || self.asks.is_asked()",
        )],
        ("driver", &["flush_vs_driver"]),
    ),
    switched(
        "driver sleeps without a look at who asks",
        "store/crew/drive.rs",
        &[Term(
            "self.news() != seen || self.is_asked()",
            "self.news() != seen || self.crew.flushes.is_asked()",
        )],
        ("driver", &["answer_vs_driver"]),
    ),
    switched(
        "who asks rings nobody",
        "store/send_wait.rs",
        &[Step("        self.intake.wake_waiting();\n        // In one", "        // In one")],
        ("driver", &["answer_vs_driver"]),
    ),
    switched(
        "who asks does not look for a close",
        "store/send_wait.rs",
        &[Term(
            "self.asks.take_settled(ticket, || self.intake.is_closed())",
            "self.asks.take_settled(ticket, || false)",
        )],
        ("driver", &["answer_vs_close"]),
    ),
    switched(
        "an answer is told before the lease is back",
        "store/crew/drive.rs",
        &[Step(
            "        drop(dispatch);\n        drop(answer);\n",
            "        drop(answer);\n        drop(dispatch);\n",
        )],
        ("driver", &["answer_vs_books"]),
    ),
    switched(
        "driver looks for a flush after the tail",
        "store/crew/drive.rs",
        &[Let(
            "(asked, mut dispatch)",
            "        let asked = self.crew.flushes.asked();\n        let target = self.intake.tail_position();\n        let Ok(mut dispatch) = self.take_dispatch(Goal::Lease, Deadline::NEVER) else {\n            return false;\n        };\n        dispatch.run_to(target);\n",
            "        let target = self.intake.tail_position();\n        let Ok(mut dispatch) = self.take_dispatch(Goal::Lease, Deadline::NEVER) else {\n            return false;\n        };\n        dispatch.run_to(target);\n        let asked = self.crew.flushes.asked();\n",
        )],
        ("driver", &["flush_vs_driver"]),
    ),
    switched(
        "driver does not look for a close behind a flush",
        "store/crew/drive.rs",
        &[Term("driven.is_ok_and(|has_answered| has_answered)", "driven.is_ok_and(|_| false)")],
        ("driver", &["driver_yields_vs_close"]),
    ),
    switched(
        "a flush is told before the lease is back",
        "store/crew/drive.rs",
        &[Step(
            "        drop(dispatch);\n        drop(answer);\n        if owes {\n            self.complete_flushes(asked);\n        }\n",
            "        if owes {\n            self.complete_flushes(asked);\n        }\n        drop(dispatch);\n        drop(answer);\n",
        )],
        ("driver", &["flush_vs_books"]),
    ),
    switched(
        "nobody says that the driver runs",
        "store/crew/mod.rs",
        &[Step("        self.starting.notify();\n", "")],
        ("driver", &["driver_sleeps_vs_last_handle"]),
    ),
    switched(
        "a drain that gives up wakes no flush",
        "store/shutdown.rs",
        &[Step("        self.dispatcher.waiting().notify();\n        removed", "        removed")],
        ("driver", &["flush_vs_drain_out_of_time"]),
    ),
    switched(
        "a flush looks for no drain that has given up",
        "store/crew/flush.rs",
        &[Term("self.is_abandoned().then_some(Err(FlushError::Abandoned))", "None")],
        ("driver", &["flush_vs_drain_out_of_time"]),
    ),
    switched(
        "the last handle of the lanes waits for nobody",
        "store/lanes/mod.rs",
        &[Step("lane.end_crew(is_awaited);", "lane.end_crew(false);")],
        ("lanes", &["lanes_sleep_vs_last_handle"]),
    ),
    switched(
        "a flush looks for no drain that took events",
        "store/crew/flush.rs",
        &[Step(
            "        if self.has_given_up() {\n            return Err(FlushError::Abandoned);\n        }\n",
            "",
        )],
        ("driver", &["flush_vs_give_up"]),
    ),
    switched(
        "a flush looks without the books",
        "store/crew/flush.rs",
        &[Step("        drop(sync::lock(&self.left_over));\n", "")],
        ("driver", &["flush_vs_give_up"]),
    ),
];
