//! The ring of many senders.

use super::Piece::{Let, Step, Term};
use super::{Weakening, ordering, relaxed, switched};

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
    switched(
        "group stamped first to last",
        "ring/send.rs",
        &[
            Term("first + values.len() as u64", "first.wrapping_sub(1)"),
            Term("values.drain(..).rev()", "{ values.reverse(); values.drain(..).rev() }"),
            Step(
                "            position -= 1;\n",
                "            position = position.wrapping_add(1);\n",
            ),
        ],
        ("ring", &["send_all_visibility"]),
    ),
    switched(
        "displacing: group stamped first to last",
        "ring/send.rs",
        &[
            Term("first + values.len() as u64", "first.wrapping_sub(1)"),
            Term("values.drain(..).rev()", "{ values.reverse(); values.drain(..).rev() }"),
            Step(
                "            position -= 1;\n",
                "            position = position.wrapping_add(1);\n",
            ),
        ],
        ("displace", &["send_all_visibility_displacing"]),
    ),
    switched(
        "moved tail claimed without a look",
        "ring/send.rs",
        &[Step(
            "                    tail = now;\n",
            "                    let (end, order) = ((now & POSITION) + count, Ordering::Relaxed);\n\
             if now & CLOSED == 0 && self.tail.compare_exchange(now, end, order, order).is_ok() {\n\
             return Ok(now);\n\
             }\n\
             tail = now;\n",
        )],
        ("ring", &["sender_handles", "sender_handle_vs_try_send"]),
    ),
    switched(
        "displacing: stamp before tail",
        "ring/displace.rs",
        &[Step(
            "        sync::store_among_updates(&self.tail, tail + 1, Ordering::Release);\n        self.fill(tail, value);\n",
            "        self.fill(tail, value);\n        sync::store_among_updates(&self.tail, tail + 1, Ordering::Release);\n",
        )],
        ("displace", &["displace_vs_publish"]),
    ),
    switched(
        "displacing: oldest not checked",
        "ring/displace.rs",
        &[Term(
            "self.head.compare_exchange(oldest, oldest + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()",
            "{ self.head.store(oldest + 1, Ordering::Relaxed); true }",
        )],
        ("displace", &["displace_vs_receive", "displace_vs_displace", "group_vs_displace"]),
    ),
    switched(
        "displacing: run won as first seen",
        "ring/reader.rs",
        &[Step("return Some(start..end);", "return Some(head..end);")],
        ("displace", &["displace_vs_receive", "displace_vs_displace_vs_receive"]),
    ),
    switched(
        "a refused reader gives up the lease",
        "ring/reader.rs",
        &[Term(
            "self.reading\n            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)\n            .is_ok()\n            // Made only on success: dropping one gives the right up, whoever has it.\n            .then(|| Reader { ring: self, head: self.head_position() })",
            "self.reading\n            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)\n            .is_ok()\n            .then_some(Reader { ring: self, head: self.head_position() })",
        )],
        ("ring", &["readers_take_turns"]),
    ),
    switched(
        "tail not closed",
        "ring/mod.rs",
        &[Let(
            "tail",
            "            let tail = self.tail.fetch_or(CLOSED, Ordering::Relaxed);\n            self.wake_readers(tail);\n            return tail & CLOSED == 0;\n",
            "            let tail = self.tail.load(Ordering::Relaxed);\n            return tail & CLOSED == 0;\n",
        )],
        ("ring", &["close_vs_send", "close_vs_sender_handle"]),
    ),
    switched(
        "displacing: head not closed",
        "ring/mod.rs",
        &[Term("self.head.fetch_or(CLOSED, Ordering::Relaxed) & CLOSED == 0", "true")],
        ("displace", &["close_vs_displace"]),
    ),
    switched(
        "displacing: tail closed only once",
        "ring/mod.rs",
        &[Step(
            "if !self.is_displacing_at(tail & POSITION) {\n                return first;\n            }\n",
            "if !self.is_displacing_at(tail & POSITION) || true { return first; }\n",
        )],
        (
            "displace",
            &["close_vs_displace", "closed_beside_displace", "closed_beside_two_displacing"],
        ),
    ),
    switched(
        "displacing: tail closed before head",
        "ring/mod.rs",
        &[
            Term(
                "self.head.fetch_or(CLOSED, Ordering::Relaxed) & CLOSED == 0",
                "{\nself.tail.fetch_or(CLOSED, Ordering::Relaxed);\nself.head.fetch_or(CLOSED, Ordering::Relaxed) & CLOSED == 0\n}",
            ),
            Let(
                "tail",
                "            let tail = self.tail.fetch_or(CLOSED, Ordering::Relaxed);\n            self.wake_readers(tail);\n            if !self",
                "            let tail = self.tail.load(Ordering::Relaxed);\n            self.wake_readers(tail);\n            if !self",
            ),
        ],
        ("displace", &["closed_beside_displace", "closed_beside_two_displacing"]),
    ),
    switched(
        "drop of the ring leaks",
        "ring/mod.rs",
        &[Term("slot.stamp() == slot::full(position)", "false")],
        ("shutdown", &["last_send_vs_drop"]),
    ),
];
