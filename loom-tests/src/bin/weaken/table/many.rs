//! The ring of many senders.

use super::{Weakening, ordering, relaxed, text};

pub(super) const ROWS: &[Weakening] = &[
    relaxed("fill", "ring", &["claim_vs_claim", "send_all_visibility"]),
    relaxed("stamp-seen", "ring", &["claim_vs_claim"]),
    ordering(
        "stamp-seen, displacing",
        ("stamp-seen", "Relaxed"),
        "displace",
        &["slot_reuse_displacing"],
    ),
    relaxed("vacate", "displace", &["slot_reuse_displacing", "send_all_visibility_displacing"]),
    relaxed("run-released", "ring", &["slot_reuse_lossless", "sender_handle_vs_try_send"]),
    relaxed("head-loaded", "ring", &["slot_reuse_lossless", "sender_handle_vs_try_send"]),
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
    relaxed("displaced-told", "audit", &["audit_vs_displace"]),
    relaxed("displaced-heard", "audit", &["audit_vs_displace"]),
    relaxed("group-displaced-told", "audit", &["audit_vs_displacing_group"]),
    relaxed("group-displaced-heard", "audit", &["audit_vs_displacing_group"]),
    text(
        "group stamped first to last",
        "ring/send.rs",
        &[
            (
                "let mut position = first + values.len() as u64;",
                "let mut position = first.wrapping_sub(1);",
            ),
            (
                "in values.drain(..).rev() {\n            position -= 1;",
                "in values.drain(..) {\n            position = position.wrapping_add(1);",
            ),
        ],
        ("ring", &["send_all_visibility"]),
    ),
    text(
        "displacing: group stamped first to last",
        "ring/send.rs",
        &[
            (
                "let mut position = first + values.len() as u64;",
                "let mut position = first.wrapping_sub(1);",
            ),
            (
                "in values.drain(..).rev() {\n            position -= 1;",
                "in values.drain(..) {\n            position = position.wrapping_add(1);",
            ),
        ],
        ("displace", &["send_all_visibility_displacing"]),
    ),
    text(
        "moved tail claimed without a look",
        "ring/send.rs",
        &[(
            "                    tail = now;\n",
            "                    let (end, order) = ((now & POSITION) + count, Ordering::Relaxed);\n\
             if now & CLOSED == 0 && self.tail.compare_exchange(now, end, order, order).is_ok() {\n\
             return Ok(now);\n\
             }\n\
             tail = now;\n",
        )],
        ("ring", &["sender_handles", "sender_handle_vs_try_send"]),
    ),
    text(
        "displacing: stamp before tail",
        "ring/displace.rs",
        &[(
            "        sync::store_among_updates(&self.tail, tail + 1, Ordering::Release);\n        self.fill(tail, value);\n",
            "        self.fill(tail, value);\n        sync::store_among_updates(&self.tail, tail + 1, Ordering::Release);\n",
        )],
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
        &[(".then(|| Reader {", ".then_some(Reader {")],
        ("ring", &["readers_take_turns"]),
    ),
    text(
        "tail not closed",
        "ring/mod.rs",
        &[(
            "            let tail = self.tail.fetch_or(CLOSED, Ordering::Relaxed);\n            self.wake_readers(tail);\n            return tail",
            "            let tail = self.tail.load(Ordering::Relaxed);\n            return tail",
        )],
        ("ring", &["close_vs_send", "close_vs_sender_handle"]),
    ),
    text(
        "displacing: head not closed",
        "ring/mod.rs",
        &[("self.head.fetch_or(CLOSED, Ordering::Relaxed) & CLOSED == 0;", "true;")],
        ("displace", &["close_vs_displace"]),
    ),
    text(
        "displacing: tail closed only once",
        "ring/mod.rs",
        &[(
            "if !self.is_displacing_at(tail & POSITION) {",
            "if !self.is_displacing_at(tail & POSITION) || true {",
        )],
        (
            "displace",
            &["close_vs_displace", "closed_beside_displace", "closed_beside_two_displacing"],
        ),
    ),
    text(
        "displacing: tail closed before head",
        "ring/mod.rs",
        &[
            (
                "        let first = self.head.fetch_or(",
                "        self.tail.fetch_or(CLOSED, Ordering::Relaxed);\n        let first = self.head.fetch_or(",
            ),
            (
                "let tail = self.tail.fetch_or(CLOSED, Ordering::Relaxed);\n            self.wake_readers(tail);\n            if !self",
                "let tail = self.tail.load(Ordering::Relaxed);\n            self.wake_readers(tail);\n            if !self",
            ),
        ],
        ("displace", &["closed_beside_displace", "closed_beside_two_displacing"]),
    ),
    text(
        "drop of the ring leaks",
        "ring/mod.rs",
        &[("if slot.stamp() == slot::full(position) {", "if false {")],
        ("shutdown", &["last_send_vs_drop"]),
    ),
];
