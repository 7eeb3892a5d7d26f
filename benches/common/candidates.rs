//! The rings, queues and channels, each behind the same two halves.

use crossbeam_queue::ArrayQueue;
use disruptor::{
    BusySpin, EventPoller, Producer, SingleConsumerBarrier, SingleProducer, SingleProducerBarrier,
};
use ringbus::{Displacing, Lossless, Mode, Reader, Ring, Sent};
use tokio::sync::broadcast;

use super::{CAPACITY, Tick, leaked};

/// The sending half of a candidate.
pub(crate) trait Tx: Send {
    /// Sends one event; whether there was room.
    fn send(&mut self, event: Tick) -> bool;

    /// Sends the events from `first` on by the best means the candidate has; whether all had room.
    #[inline]
    fn send_many(&mut self, first: u64, count: u64) -> bool {
        (first..first + count).all(|sequence| self.send(Tick::new(sequence)))
    }
}

/// The receiving half of a candidate.
pub(crate) trait Rx: Send {
    /// Receives one event, if there is one; whether there was.
    fn receive(&mut self, each: impl FnMut(&Tick)) -> bool;

    /// Receives up to `max` events by the best means the candidate has; how many.
    #[inline]
    fn receive_many(&mut self, max: u64, mut each: impl FnMut(&Tick)) -> u64 {
        (0..max).take_while(|_| self.receive(&mut each)).count() as u64
    }
}

/// Something that events go through.
pub(crate) trait Candidate: 'static {
    const NAME: &'static str;
    type Tx: Tx + 'static;
    type Rx: Rx + 'static;
    fn open() -> (Self::Tx, Self::Rx);
}

/// Calls `$function::<C>($arguments)` for each candidate, ours first.
#[allow(unused_macros)] // Not every bench goes through all of them.
macro_rules! for_each_candidate {
    ($function:ident($($argument:expr),*)) => {{
        use $crate::common::candidates as them;
        $function::<them::LosslessRing>($($argument),*);
        $function::<them::DisplacingRing>($($argument),*);
        $function::<them::Array>($($argument),*);
        $function::<them::Crossbeam>($($argument),*);
        $function::<them::Rtrb>($($argument),*);
        $function::<them::Disruptor>($($argument),*);
        $function::<them::Broadcast>($($argument),*);
    }};
}
#[allow(unused_imports)] // As above.
pub(crate) use for_each_candidate;

/// `ringbus::Ring`, lossless.
pub(crate) struct LosslessRing;
/// `ringbus::Ring`, displacing (and with room whenever an event is sent here).
pub(crate) struct DisplacingRing;

pub(crate) struct RingTx<M: Mode> {
    ring: &'static Ring<Tick, M>,
    group: Vec<Tick>,
}

pub(crate) struct RingRx<M: Mode> {
    reader: Reader<'static, Tick, M>,
    run: Vec<Tick>,
}

fn halves<M: Mode>(ring: Ring<Tick, M>) -> (RingTx<M>, RingRx<M>) {
    let ring = leaked(ring);
    let group = Vec::with_capacity(CAPACITY);
    let reader = ring.try_reader().expect("nobody else reads");
    (RingTx { ring, group }, RingRx { reader, run: Vec::with_capacity(CAPACITY) })
}

impl Candidate for LosslessRing {
    const NAME: &'static str = "ringbus lossless";
    type Tx = RingTx<Lossless>;
    type Rx = RingRx<Lossless>;

    fn open() -> (Self::Tx, Self::Rx) {
        halves(Ring::lossless(CAPACITY).expect("a power of two"))
    }
}

impl Candidate for DisplacingRing {
    const NAME: &'static str = "ringbus displacing";
    type Tx = RingTx<Displacing>;
    type Rx = RingRx<Displacing>;

    fn open() -> (Self::Tx, Self::Rx) {
        halves(Ring::displacing(CAPACITY).expect("a power of two"))
    }
}

impl Tx for RingTx<Lossless> {
    #[inline]
    fn send(&mut self, event: Tick) -> bool {
        self.ring.try_send(event).is_ok()
    }

    #[inline]
    fn send_many(&mut self, first: u64, count: u64) -> bool {
        self.group.extend((first..first + count).map(Tick::new));
        self.ring.send_all(&mut self.group).is_ok()
    }
}

impl Tx for RingTx<Displacing> {
    #[inline]
    fn send(&mut self, event: Tick) -> bool {
        matches!(self.ring.send_displacing(event), Ok(Sent::Stored))
    }

    #[inline]
    fn send_many(&mut self, first: u64, count: u64) -> bool {
        self.group.extend((first..first + count).map(Tick::new));
        self.ring.send_all(&mut self.group).is_ok()
    }
}

impl<M: Mode> Rx for RingRx<M> {
    #[inline]
    fn receive(&mut self, mut each: impl FnMut(&Tick)) -> bool {
        self.reader.receive().as_ref().map(&mut each).is_some()
    }

    #[inline]
    fn receive_many(&mut self, max: u64, each: impl FnMut(&Tick)) -> u64 {
        let max = usize::try_from(max).unwrap_or(CAPACITY);
        let count = self.reader.receive_into(&mut self.run, max);
        self.run.iter().for_each(each);
        self.run.clear();
        count as u64
    }
}

/// `crossbeam_queue::ArrayQueue`.
pub(crate) struct Array;

impl Candidate for Array {
    const NAME: &'static str = "ArrayQueue";
    type Tx = &'static ArrayQueue<Tick>;
    type Rx = &'static ArrayQueue<Tick>;

    fn open() -> (Self::Tx, Self::Rx) {
        let queue = leaked(ArrayQueue::new(CAPACITY));
        (queue, queue)
    }
}

impl Tx for &'static ArrayQueue<Tick> {
    #[inline]
    fn send(&mut self, event: Tick) -> bool {
        self.push(event).is_ok()
    }
}

impl Rx for &'static ArrayQueue<Tick> {
    #[inline]
    fn receive(&mut self, mut each: impl FnMut(&Tick)) -> bool {
        self.pop().as_ref().map(&mut each).is_some()
    }
}

/// `crossbeam_channel::bounded`.
pub(crate) struct Crossbeam;

impl Candidate for Crossbeam {
    const NAME: &'static str = "crossbeam-channel";
    type Tx = crossbeam_channel::Sender<Tick>;
    type Rx = crossbeam_channel::Receiver<Tick>;

    fn open() -> (Self::Tx, Self::Rx) {
        crossbeam_channel::bounded(CAPACITY)
    }
}

impl Tx for crossbeam_channel::Sender<Tick> {
    #[inline]
    fn send(&mut self, event: Tick) -> bool {
        self.try_send(event).is_ok()
    }
}

impl Rx for crossbeam_channel::Receiver<Tick> {
    #[inline]
    fn receive(&mut self, mut each: impl FnMut(&Tick)) -> bool {
        self.try_recv().ok().as_ref().map(&mut each).is_some()
    }
}

/// `rtrb`: one sender only.
pub(crate) struct Rtrb;

impl Candidate for Rtrb {
    const NAME: &'static str = "rtrb";
    type Tx = rtrb::Producer<Tick>;
    type Rx = rtrb::Consumer<Tick>;

    fn open() -> (Self::Tx, Self::Rx) {
        rtrb::RingBuffer::new(CAPACITY)
    }
}

impl Tx for rtrb::Producer<Tick> {
    #[inline]
    fn send(&mut self, event: Tick) -> bool {
        self.push(event).is_ok()
    }

    #[inline]
    fn send_many(&mut self, first: u64, count: u64) -> bool {
        let Ok(chunk) = self.write_chunk_uninit(usize::try_from(count).unwrap_or(CAPACITY)) else {
            return false;
        };
        chunk.fill_from_iter((first..first + count).map(Tick::new)) as u64 == count
    }
}

impl Rx for rtrb::Consumer<Tick> {
    #[inline]
    fn receive(&mut self, mut each: impl FnMut(&Tick)) -> bool {
        self.pop().ok().as_ref().map(&mut each).is_some()
    }

    #[inline]
    fn receive_many(&mut self, max: u64, mut each: impl FnMut(&Tick)) -> u64 {
        let count = self.slots().min(usize::try_from(max).unwrap_or(CAPACITY));
        let Ok(chunk) = self.read_chunk(count) else { return 0 };
        chunk.into_iter().for_each(|event| each(&event));
        count as u64
    }
}

/// `disruptor`, one sender only, read through its poller.
pub(crate) struct Disruptor;

impl Candidate for Disruptor {
    const NAME: &'static str = "disruptor";
    type Tx = SingleProducer<Tick, SingleConsumerBarrier>;
    type Rx = EventPoller<Tick, SingleProducerBarrier>;

    fn open() -> (Self::Tx, Self::Rx) {
        let builder = disruptor::build_single_producer(CAPACITY, Tick::default, BusySpin);
        let (poller, builder) = builder.new_event_poller();
        (builder.build(), poller)
    }
}

impl Tx for SingleProducer<Tick, SingleConsumerBarrier> {
    #[inline]
    fn send(&mut self, event: Tick) -> bool {
        self.try_publish(|slot| *slot = event).is_ok()
    }

    #[inline]
    fn send_many(&mut self, first: u64, count: u64) -> bool {
        let sent = self.try_batch_publish(usize::try_from(count).unwrap_or(CAPACITY), |slots| {
            for (slot, sequence) in slots.zip(first..) {
                *slot = Tick::new(sequence);
            }
        });
        sent.is_ok()
    }
}

impl Rx for EventPoller<Tick, SingleProducerBarrier> {
    #[inline]
    fn receive(&mut self, each: impl FnMut(&Tick)) -> bool {
        self.receive_many(1, each) == 1
    }

    #[inline]
    fn receive_many(&mut self, max: u64, mut each: impl FnMut(&Tick)) -> u64 {
        let Ok(mut run) = self.take(max) else { return 0 };
        let mut count = 0;
        for event in &mut run {
            each(event);
            count += 1;
        }
        count
    }
}

/// `tokio::sync::broadcast` with one receiver. It overwrites when it is full, so nobody fills it.
pub(crate) struct Broadcast;

impl Candidate for Broadcast {
    const NAME: &'static str = "tokio broadcast";
    type Tx = broadcast::Sender<Tick>;
    type Rx = broadcast::Receiver<Tick>;

    fn open() -> (Self::Tx, Self::Rx) {
        broadcast::channel(CAPACITY)
    }
}

impl Tx for broadcast::Sender<Tick> {
    #[inline]
    fn send(&mut self, event: Tick) -> bool {
        broadcast::Sender::send(self, event).is_ok()
    }
}

impl Rx for broadcast::Receiver<Tick> {
    #[inline]
    fn receive(&mut self, mut each: impl FnMut(&Tick)) -> bool {
        self.try_recv().ok().as_ref().map(&mut each).is_some()
    }
}
