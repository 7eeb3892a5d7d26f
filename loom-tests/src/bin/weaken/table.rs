//! What is weakened, and which model has to notice.

use crate::Failure;

/// One weakening, and the models that must fail because of it.
#[derive(Debug)]
pub(crate) struct Weakening {
    pub(crate) name: &'static str,
    pub(crate) change: Change,
    /// The file of the models, without its extension.
    pub(crate) test: &'static str,
    pub(crate) models: &'static [&'static str],
}

/// How the source is changed.
#[derive(Debug)]
pub(crate) enum Change {
    /// The ordering with this tag becomes a weaker one.
    Ordering { tag: &'static str, to: &'static str },
    /// Pieces of a file, each of which occurs in it once, become others.
    Text { file: &'static str, replacements: &'static [(&'static str, &'static str)] },
}

const fn ordering(
    name: &'static str,
    (tag, to): (&'static str, &'static str),
    test: &'static str,
    models: &'static [&'static str],
) -> Weakening {
    Weakening { name, change: Change::Ordering { tag, to }, test, models }
}

const fn relaxed(
    tag: &'static str,
    test: &'static str,
    models: &'static [&'static str],
) -> Weakening {
    ordering(tag, (tag, "Relaxed"), test, models)
}

const fn text(
    name: &'static str,
    file: &'static str,
    replacements: &'static [(&'static str, &'static str)],
    (test, models): (&'static str, &'static [&'static str]),
) -> Weakening {
    Weakening { name, change: Change::Text { file, replacements }, test, models }
}

/// Every weakening: first the orderings, then the steps of the algorithms.
pub(crate) const TABLE: &[Weakening] = &[
    relaxed("fill", "ring", &["claim_vs_claim", "send_all_visibility"]),
    relaxed("stamp-seen", "ring", &["claim_vs_claim"]),
    ordering(
        "stamp-seen, displacing",
        ("stamp-seen", "Relaxed"),
        "displace",
        &["slot_reuse_displacing"],
    ),
    relaxed("vacate", "displace", &["slot_reuse_displacing", "send_all_visibility_displacing"]),
    relaxed("run-released", "ring", &["slot_reuse_lossless"]),
    relaxed("head-loaded", "ring", &["slot_reuse_lossless"]),
    relaxed("head-copied", "ring", &["slot_reuse_through_the_copy"]),
    relaxed("head-shared", "ring", &["slot_reuse_through_the_copy"]),
    relaxed("reader-taken", "ring", &["readers_take_turns"]),
    relaxed("reader-released", "ring", &["readers_take_turns"]),
    ordering(
        "reader-taken, by a drain",
        ("reader-taken", "Relaxed"),
        "shutdown",
        &["drain_out_of_time_vs_publish"],
    ),
    relaxed("displaced-counted", "displace", &["displace_vs_displace"]),
    relaxed("displaced-handed-on", "displace", &["displace_vs_displace"]),
    relaxed("lease-taken", "dispatch", &["concurrent_publish"]),
    relaxed("lease-released", "dispatch", &["concurrent_publish"]),
    relaxed("sleeper-counted", "waiting", &["park_vs_wake", "park_vs_close"]),
    relaxed("sleeper-seen", "waiting", &["park_vs_wake", "park_vs_close"]),
    text(
        "group stamped first to last",
        "ring/send.rs",
        &[("for position in positions.rev() {", "for position in positions {")],
        ("ring", &["send_all_visibility"]),
    ),
    text(
        "group stamped first to last",
        "ring/send.rs",
        &[("for position in positions.rev() {", "for position in positions {")],
        ("displace", &["send_all_visibility_displacing"]),
    ),
    text(
        "displacing: stamp before tail",
        "ring/displace.rs",
        &[
            ("        slot.release_full(tail);\n", ""),
            (
                "        self.tail.fetch_add(1,",
                "        slot.release_full(tail);\n        self.tail.fetch_add(1,",
            ),
        ],
        ("displace", &["displace_vs_publish"]),
    ),
    text(
        "displacing: oldest not checked",
        "ring/displace.rs",
        &[(
            "self.head.compare_exchange(oldest, oldest + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()",
            "{ self.head.store(oldest + 1, Ordering::Relaxed); true }",
        )],
        ("displace", &["displace_vs_receive", "displace_vs_displace", "group_vs_displace"]),
    ),
    text(
        "displacing: run won as first seen",
        "ring/reader.rs",
        &[("return Some(start..end);", "return Some(head..end);")],
        ("displace", &["displace_vs_receive", "displace_vs_displace_vs_receive"]),
    ),
    text(
        "a refused reader gives up the lease",
        "ring/reader.rs",
        &[(".then(|| Reader { ring: self })", ".then_some(Reader { ring: self })")],
        ("ring", &["readers_take_turns"]),
    ),
    text(
        "tail not closed",
        "ring/mod.rs",
        &[("self.tail.fetch_or(CLOSED, Ordering::Relaxed) & CLOSED == 0", "true")],
        ("ring", &["close_vs_send"]),
    ),
    text(
        "displacing: head not closed",
        "ring/mod.rs",
        &[("self.head.fetch_or(CLOSED, Ordering::Relaxed);", "")],
        ("displace", &["close_vs_displace"]),
    ),
    text(
        "drain does not wait for displacers",
        "ring/mod.rs",
        &[("(!M::DISPLACES || !self.is_displacing_at(tail & POSITION))", "true")],
        ("displace", &["close_vs_displace"]),
    ),
    text(
        "drop of the ring leaks",
        "ring/mod.rs",
        &[("if slot.stamp() == slot::full(position) {", "if false {")],
        ("shutdown", &["last_send_vs_drop"]),
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
        "room wakes nobody",
        "store/intake.rs",
        &[("&& run.len > 0", "&& run.len > usize::MAX - 1")],
        ("waiting", &["park_vs_wake"]),
    ),
    text(
        "close wakes nobody",
        "store/intake.rs",
        &[(
            "        if let Self::Block { space, .. } = self {\n            space.notify();\n        }\n        first\n",
            "        first\n",
        )],
        ("waiting", &["park_vs_close"]),
    ),
    text(
        "bell rung without the gate",
        "wait/wait_list.rs",
        &[("        drop(sync::lock(&self.gate));\n", "")],
        ("waiting", &["park_vs_wake", "park_vs_close"]),
    ),
    text(
        "end of a dispatch wakes nobody",
        "ring/lease.rs",
        &[("        self.lease.waiting.notify();\n", "")],
        ("dispatch", &["concurrent_publish"]),
    ),
    text(
        "publish does not wait for another",
        "store/dispatch.rs",
        &[("shared.take_dispatch(Deadline::NEVER) else", "shared.try_take_dispatch() else")],
        ("dispatch", &["concurrent_publish"]),
    ),
    text(
        "table checked before the run",
        "store/dispatch.rs",
        &[
            (
                "        let Some(run) = shared.intake.receive_into(",
                "        let newer = shared.registry.has_newer(seen);\n        let Some(run) = shared.intake.receive_into(",
            ),
            ("if shared.registry.has_newer(seen) {", "if newer {"),
        ],
        ("dispatch", &["subscribe_vs_dispatch"]),
    ),
    text(
        "unsubscribe leaves `active` set",
        "handler/registry.rs",
        &[("gone.active.store(false, Ordering::Relaxed);", "")],
        ("dispatch", &["unsubscribe_vs_dispatch"]),
    ),
    text(
        "left over events not set aside",
        "store/dispatch.rs",
        &[("sync::lock(&self.left_over).extend(events);", "drop(events);")],
        ("shutdown", &["drain_out_of_time_vs_publish"]),
    ),
    text(
        "drain does not wait for a publish",
        "store/shutdown.rs",
        &[("shared.take_dispatch(deadline) {", "shared.try_take_dispatch() {")],
        ("shutdown", &["drain_vs_publish"]),
    ),
];

/// The text with all replacements made; an error if a piece does not occur exactly once.
pub(crate) fn replace_all(text: &str, replacements: &[(&str, &str)]) -> Result<String, Failure> {
    let mut changed = text.to_owned();
    for (from, to) in replacements {
        let count = changed.matches(from).count();
        if count != 1 {
            return Err(format!("{count} places in the source, not one, say {from:?}").into());
        }
        changed = changed.replacen(from, to, 1);
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::replace_all;

    #[test]
    fn a_piece_must_occur_once() {
        assert_eq!(replace_all("a b", &[("a", "c"), ("b", "a")]).unwrap(), "c a");
        assert!(replace_all("a a", &[("a", "c")]).is_err());
        assert!(replace_all("b", &[("a", "c")]).is_err());
    }
}
