//! The ring of one producer and one consumer.

use super::Piece::{Step, Term};
use super::{Weakening, ordering, relaxed, switched};

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
    switched(
        "single: room not looked for",
        "ring/single/producer.rs",
        &[Step(
            "        if self.tail == self.room_end && !self.look_for_room(1) {\n            return Err(SendError::Full(value));\n        }\n",
            "",
        )],
        ("single", &["single_slot_reuse"]),
    ),
    switched(
        "single: room for a group not looked for",
        "ring/single/producer.rs",
        &[Step(
            "        if self.room_end - self.tail < count && !self.look_for_room(count) {\n            return Err(SendAllError::Full);\n        }\n",
            "",
        )],
        ("single", &["single_slot_reuse_by_runs"]),
    ),
    switched(
        "single: iterator goes beyond the room",
        "ring/single/producer.rs",
        &[Term(
            "Chunk::new(self).fill(room, &mut values)",
            "Chunk::new(self).fill(room + 1, &mut values)",
        )],
        ("single", &["single_slot_reuse_by_each"]),
    ),
    switched(
        "single: room taken one too far",
        "ring/single/producer.rs",
        &[Term(
            "emptied + self.ring.cells.capacity() as u64",
            "emptied + self.ring.cells.capacity() as u64 + 1",
        )],
        ("single", &["single_slot_reuse", "single_slot_reuse_by_each"]),
    ),
    switched(
        "single: room that was made forgotten",
        "ring/single/producer.rs",
        &[Step(
            "self.room_end = self.room_end.max(emptied + self.ring.cells.capacity() as u64);",
            "self.room_end = self.tail.max(emptied + self.ring.cells.capacity() as u64);",
        )],
        ("single", &["single_room_made_in_vain"]),
    ),
    switched(
        "single: group published before written",
        "ring/single/producer.rs",
        &[Step(
            "        for (cell, value) in first.iter()",
            "        self.ring.tail.store(end, Ordering::Release);\n        for (cell, value) in first.iter()",
        )],
        ("single", &["single_group_visibility", "single_group_visibility_displacing"]),
    ),
    switched(
        "single: group published one by one",
        "ring/single/producer.rs",
        &[Step(
            "as in `put`, for each of the positions up to `end`.\n            unsafe { cell.write(value) };\n",
            "as in `put`, for each of the positions up to `end`.\n            unsafe { cell.write(value) };\n            self.ring.tail.fetch_add(1, Ordering::Release);\n",
        )],
        ("single", &["single_group_visibility", "single_group_visibility_displacing"]),
    ),
    switched(
        "single: iterator published one by one",
        "ring/single/chunk.rs",
        &[Step(
            "            self.written += 1;\n",
            "            self.written += 1;\n            self.producer.ring.tail.store(self.written, crate::sync::atomic::Ordering::Release);\n",
        )],
        ("single", &["single_iter_visibility"]),
    ),
    switched(
        "single: value vacated before it is out",
        "ring/single/consumer.rs",
        &[
            Step(
                "        // SAFETY: `win` says that the value of this position",
                "        self.vacate(run.first + 1);\n        // SAFETY: `win` says that the value of this position",
            ),
            Step(
                "        self.vacate(run.first + 1);\n        Some(value)\n",
                "        Some(value)\n",
            ),
        ],
        ("single", &["single_slot_reuse", "single_slot_reuse_displacing"]),
    ),
    switched(
        "single: run vacated before it is out",
        "ring/single/consumer.rs",
        &[
            Step(
                "        let (first, second) = self.ring.cells.pieces(run.first, run.len);\n",
                "        self.vacate(run.first + run.len as u64);\n        let (first, second) = self.ring.cells.pieces(run.first, run.len);\n",
            ),
            Step(
                "unsafe { Cell::copy_all_into(second, second_holes) };\n        self.vacate(run.first + run.len as u64);\n",
                "unsafe { Cell::copy_all_into(second, second_holes) };\n",
            ),
        ],
        ("single", &["single_slot_reuse_by_runs", "single_displace_vs_receive"]),
    ),
    switched(
        "single: each vacated before it is out",
        "ring/single/consumer.rs",
        &[Step(
            "        let taken = Taking {",
            "        self.vacate(run.first + run.len as u64);\n        let taken = Taking {",
        )],
        ("single", &["single_slot_reuse_by_each"]),
    ),
    switched(
        "single: oldest not checked",
        "ring/single/producer.rs",
        &[Term(
            "ring.head.compare_exchange(\n            oldest,\n            oldest + 1,\n            Ordering::Release,\n            Ordering::Relaxed, // Only says that the consumer was faster.\n        )",
            "{\nring.head.store(oldest + 1, Ordering::Release);\nOk::<u64, u64>(oldest)\n}",
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
    switched(
        "single: run not checked",
        "ring/single/consumer.rs",
        &[Term(
            "self.ring.head.compare_exchange(\n                head,\n                head + len,\n                Ordering::Relaxed,\n                Ordering::Relaxed,\n            )",
            "{\nself.ring.head.store(head + len, Ordering::Relaxed);\nOk::<u64, u64>(head)\n}",
        )],
        ("single", &["single_slot_reuse_displacing", "single_displace_vs_receive"]),
    ),
    switched(
        "single: displacing is not announced",
        "ring/single/producer.rs",
        &[Step("        ring.displaced.store(displaced + 1, Ordering::Relaxed);\n", "")],
        ("single_store", &["single_displace_vs_count"]),
    ),
    switched(
        "single: empty before ended",
        "ring/single/consumer.rs",
        &[Term(
            "self.ring.has_ended() && self.ring.len_hint() == 0",
            "self.ring.len_hint() == 0 && self.ring.has_ended()",
        )],
        ("single", &["single_end_vs_receive"]),
    ),
    switched(
        "single: closed counts as ended",
        "ring/single/mod.rs",
        &[Term("self.ended.load(Ordering::Acquire)", "self.is_closed()")],
        ("single", &["single_close_vs_send"]),
    ),
    switched(
        "single: ended before the last tail",
        "ring/single/producer.rs",
        &[Step(
            "        self.put_and_prefetch(value);\n        Ok(())\n",
            "        if self.ring.is_closed() {\n            self.ring.end();\n        }\n        self.put_and_prefetch(value);\n        Ok(())\n",
        )],
        ("single", &["single_close_vs_send"]),
    ),
    switched(
        "single: drop of the ring leaks",
        "ring/single/mod.rs",
        &[Term(
            "self.head_position()..self.tail_position()",
            "self.head_position()..self.head_position()",
        )],
        ("single", &["single_drop_of_the_rest"]),
    ),
];
