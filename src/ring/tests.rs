//! What only the inside of the ring can show.

use super::Ring;

#[test]
fn a_send_claims_one_position_and_a_group_consecutive_ones() {
    let ring = Ring::lossless(4).unwrap();
    ring.try_send(0).unwrap();
    ring.send_all(&mut vec![1, 2, 3]).unwrap();
    assert_eq!((ring.tail_position(), ring.count_full()), (4, 4));

    let mut values = Vec::new();
    let run = ring.try_reader().unwrap().receive_run_into(&mut values, 3);
    assert_eq!((run.first, run.len, ring.head_position()), (0, 3, 3));
}

#[test]
fn displacing_moves_both_cursors_by_one() {
    let ring = Ring::displacing(2).unwrap();
    for value in 0..5 {
        let _ = ring.send_displacing(value).unwrap();
    }
    assert_eq!((ring.head_position(), ring.tail_position()), (3, 5));
    assert_eq!((ring.displaced_total(), ring.count_full()), (3, 2));
}

#[test]
fn an_open_ring_is_not_settled_and_a_closed_idle_one_is() {
    let ring = Ring::displacing(1).unwrap();
    for value in 0..3 {
        let _ = ring.send_displacing(value).unwrap();
    }
    assert!(!ring.is_settled());
    ring.close();
    assert!(ring.is_settled());
    assert_eq!(ring.try_reader().unwrap().receive(), Some(2));
    assert!(ring.is_settled());
}
