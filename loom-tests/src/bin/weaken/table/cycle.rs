//! Handlers that wait for each other's stores.

use super::{Weakening, text};

const FILE: &str = "store/blocked.rs";

pub(super) const ROWS: &[Weakening] = &[
    text(
        "nobody looks for a cycle",
        FILE,
        &[("sync::is_dispatching() =>", "false && sync::is_dispatching() =>")],
        ("cycle", &["send_cycle", "publish_cycle"]),
    ),
    text(
        "a sleeper leaves no note",
        FILE,
        &[("notes.insert(this_thread, Note { goal, store });", "drop(Note { goal, store });")],
        ("cycle", &["send_cycle", "publish_cycle"]),
    ),
    text(
        "the lock of the notes comes after the attempt",
        FILE,
        &[(
            "        let mut notes = sync::lock(&NOTES);\n        let outcome = match attempt() {",
            "        let attempted = attempt();\n        let mut notes = sync::lock(&NOTES);\n        let outcome = match attempted {",
        )],
        ("cycle", &["send_chain"]),
    ),
    text(
        "a note counts although there is room",
        FILE,
        &[("Goal::Room(count) => self.intake.has_room(count),", "Goal::Room(_) => false,")],
        ("cycle", &["send_chain"]),
    ),
    text(
        "the dispatch in the way is not asked to go on",
        FILE,
        &[("                    self.ask_again();\n", "")],
        ("cycle", &["publish_cycle"]),
    ),
];
