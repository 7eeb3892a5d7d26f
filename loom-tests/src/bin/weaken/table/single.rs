//! The ring of one producer and one consumer.

use super::{Weakening, ordering, relaxed, text};

/// Every way to reuse a cell of a lossless ring.
const REUSE: &[&str] =
    &["single_slot_reuse", "single_slot_reuse_by_runs", "single_slot_reuse_by_each"];

pub(super) const ROWS: &[Weakening] = &[
    relaxed("sent", "single", &["single_send_vs_receive", "single_group_visibility"]),
    relaxed("sent-seen", "single", &["single_send_vs_receive", "single_group_visibility"]),
    ordering(
        "sent, with the table",
        ("sent", "Relaxed"),
        "single_store",
        &["single_subscribe_vs_dispatch"],
    ),
    relaxed("emptied", "single", REUSE),
    relaxed("emptied-seen", "single", REUSE),
    ordering(
        "emptied, displacing",
        ("emptied", "Relaxed"),
        "single",
        &["single_slot_reuse_displacing", "single_displace_vs_receive"],
    ),
    ordering(
        "emptied-seen, displacing",
        ("emptied-seen", "Relaxed"),
        "single",
        &["single_slot_reuse_displacing", "single_displace_vs_receive"],
    ),
    relaxed("ended", "single", &["single_end_vs_receive"]),
    relaxed("end-seen", "single", &["single_end_vs_receive"]),
    relaxed("displacing", "single_store", &["single_displace_vs_count"]),
    relaxed("displacing-seen", "single_store", &["single_displace_vs_count"]),
    relaxed("displaced", "single_store", &["single_displace_vs_count"]),
    relaxed("displaced-seen", "single_store", &["single_displace_vs_count"]),
    relaxed("sent-counted", "single_store", &["single_displace_vs_count"]),
    text(
        "single: room not looked for",
        "ring/single/producer.rs",
        &[(
            "if self.tail == self.room_end && !self.look_for_room(1) {\n            return",
            "if false {\n            return",
        )],
        ("single", &["single_slot_reuse"]),
    ),
    text(
        "single: room for a group not looked for",
        "ring/single/producer.rs",
        &[("if self.room_end - self.tail < count && !self.look_for_room(count) {", "if false {")],
        ("single", &["single_slot_reuse_by_runs"]),
    ),
    text(
        "single: iterator goes beyond the room",
        "ring/single/producer.rs",
        &[(".fill(room, &mut values)", ".fill(room + 1, &mut values)")],
        ("single", &["single_slot_reuse_by_each"]),
    ),
    text(
        "single: room taken one too far",
        "ring/single/producer.rs",
        &[(
            "emptied + self.ring.cells.capacity() as u64",
            "emptied + self.ring.cells.capacity() as u64 + 1",
        )],
        ("single", &["single_slot_reuse", "single_slot_reuse_by_each"]),
    ),
    text(
        "single: room that was made forgotten",
        "ring/single/producer.rs",
        &[("self.room_end = self.room_end.max(emptied", "self.room_end = self.tail.max(emptied")],
        ("single", &["single_room_made_in_vain"]),
    ),
    text(
        "single: group published before written",
        "ring/single/producer.rs",
        &[(
            "        for (cell, value) in first.iter()",
            "        self.ring.tail.store(end, Ordering::Release);\n        for (cell, value) in first.iter()",
        )],
        ("single", &["single_group_visibility", "single_group_visibility_displacing"]),
    ),
    text(
        "single: group published one by one",
        "ring/single/producer.rs",
        &[(
            "as in `put`, for each of the positions up to `end`.\n            unsafe { cell.write(value) };\n",
            "as in `put`, for each of the positions up to `end`.\n            unsafe { cell.write(value) };\n            self.ring.tail.fetch_add(1, Ordering::Release);\n",
        )],
        ("single", &["single_group_visibility", "single_group_visibility_displacing"]),
    ),
    text(
        "single: iterator published one by one",
        "ring/single/chunk.rs",
        &[(
            "            self.written += 1;\n",
            "            self.written += 1;\n            self.producer.ring.tail.store(self.written, crate::sync::atomic::Ordering::Release);\n",
        )],
        ("single", &["single_iter_visibility"]),
    ),
    text(
        "single: value vacated before it is out",
        "ring/single/consumer.rs",
        &[
            (
                "        // SAFETY: `win` says that the value of this position",
                "        self.vacate(run.first + 1);\n        // SAFETY: `win` says that the value of this position",
            ),
            ("        self.vacate(run.first + 1);\n        Some(value)\n", "        Some(value)\n"),
        ],
        ("single", &["single_slot_reuse", "single_slot_reuse_displacing"]),
    ),
    text(
        "single: run vacated before it is out",
        "ring/single/consumer.rs",
        &[
            (
                "        let (first, second) = self.ring.cells.pieces(run.first, run.len);\n",
                "        self.vacate(run.first + run.len as u64);\n        let (first, second) = self.ring.cells.pieces(run.first, run.len);\n",
            ),
            (
                "unsafe { Cell::copy_all_into(second, second_holes) };\n        self.vacate(run.first + run.len as u64);\n",
                "unsafe { Cell::copy_all_into(second, second_holes) };\n",
            ),
        ],
        ("single", &["single_slot_reuse_by_runs", "single_displace_vs_receive"]),
    ),
    text(
        "single: each vacated before it is out",
        "ring/single/consumer.rs",
        &[(
            "        let taken = Taking {",
            "        self.vacate(run.first + run.len as u64);\n        let taken = Taking {",
        )],
        ("single", &["single_slot_reuse_by_each"]),
    ),
    text(
        "single: oldest not checked",
        "ring/single/producer.rs",
        &[(
            "let won = ring.head.compare_exchange(\n            oldest,\n            oldest + 1,\n            Ordering::Release,\n            Ordering::Relaxed, // Only says that the consumer was faster.\n        );",
            "ring.head.store(oldest + 1, Ordering::Release);\n        let won: Result<u64, u64> = Ok(oldest);",
        )],
        (
            "single",
            &[
                "single_slot_reuse_displacing",
                "single_displace_vs_receive",
                "single_group_visibility_displacing",
            ],
        ),
    ),
    text(
        "single: run not checked",
        "ring/single/consumer.rs",
        &[(
            "let won = self.ring.head.compare_exchange(\n                head,\n                head + len,\n                Ordering::Relaxed,\n                Ordering::Relaxed,\n            );",
            "self.ring.head.store(head + len, Ordering::Relaxed);\n            let won: Result<u64, u64> = Ok(head);",
        )],
        ("single", &["single_slot_reuse_displacing", "single_displace_vs_receive"]),
    ),
    text(
        "single: displacing is not announced",
        "ring/single/producer.rs",
        &[("        ring.displaced.store(displaced + 1, Ordering::Relaxed);\n", "")],
        ("single_store", &["single_displace_vs_count"]),
    ),
    text(
        "single: empty before ended",
        "ring/single/consumer.rs",
        &[(
            "self.ring.has_ended() && self.ring.len_hint() == 0",
            "self.ring.len_hint() == 0 && self.ring.has_ended()",
        )],
        ("single", &["single_end_vs_receive"]),
    ),
    text(
        "single: closed counts as ended",
        "ring/single/mod.rs",
        &[("        self.ended.load(Ordering::Acquire)\n", "        self.is_closed()\n")],
        ("single", &["single_close_vs_send"]),
    ),
    text(
        "single: ended before the last tail",
        "ring/single/producer.rs",
        &[(
            "        self.put_and_prefetch(value);\n        Ok(())\n",
            "        if self.ring.is_closed() {\n            self.ring.end();\n        }\n        self.put_and_prefetch(value);\n        Ok(())\n",
        )],
        ("single", &["single_close_vs_send"]),
    ),
    text(
        "single: drop of the ring leaks",
        "ring/single/mod.rs",
        &[(
            "for position in self.head_position()..self.tail_position() {",
            "for position in self.head_position()..self.head_position() {",
        )],
        ("single", &["single_drop_of_the_rest"]),
    ),
];
