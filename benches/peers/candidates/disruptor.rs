//! `disruptor`, read through its poller: single and multi producer.

use disruptor::{
    BusySpin, EventPoller, MultiProducer, MultiProducerBarrier, Producer, SingleConsumerBarrier,
    SingleProducer, SingleProducerBarrier,
};

use super::{CAPACITY, Candidate, Rx, Tx};
use crate::harness::event::{Payload, Stream};

pub(crate) struct DisruptorSingle;

impl<T: Payload> Candidate<T> for DisruptorSingle {
    const NAME: &'static str = "disruptor-sp";
    type Tx = SingleProducer<T, SingleConsumerBarrier>;
    type Rx = EventPoller<T, SingleProducerBarrier>;

    fn open() -> (Self::Tx, Self::Rx) {
        let builder = disruptor::build_single_producer(CAPACITY, T::default, BusySpin);
        let (poller, builder) = builder.new_event_poller();
        (builder.build(), poller)
    }
}

pub(crate) struct DisruptorMulti;

impl<T: Payload> Candidate<T> for DisruptorMulti {
    const NAME: &'static str = "disruptor-mp";
    type Tx = MultiProducer<T, SingleConsumerBarrier>;
    type Rx = EventPoller<T, MultiProducerBarrier>;

    fn open() -> (Self::Tx, Self::Rx) {
        let builder = disruptor::build_multi_producer(CAPACITY, T::default, BusySpin);
        let (poller, builder) = builder.new_event_poller();
        (builder.build(), poller)
    }
}

/// Both kinds are used by the same calls.
macro_rules! halves {
    ($producer:ident, $barrier:ident) => {
        impl<T: Payload> Tx<T> for $producer<T, SingleConsumerBarrier> {
            #[inline]
            fn send(&mut self, event: T) -> bool {
                self.try_publish(|slot| *slot = event).is_ok()
            }

            #[inline]
            fn send_many(&mut self, stream: &mut Stream<T>, count: usize) -> usize {
                let sent = self.try_batch_publish(count, |slots| {
                    for (slot, event) in slots.zip(stream) {
                        *slot = event;
                    }
                });
                if sent.is_ok() { count } else { 0 }
            }
        }

        impl<T: Payload> Rx<T> for EventPoller<T, $barrier> {
            #[inline]
            fn receive(&mut self) -> Option<T> {
                let mut run = self.take(1).ok()?;
                (&mut run).next().copied()
            }

            #[inline]
            fn receive_many(&mut self, max: usize, mut each: impl FnMut(T)) -> usize {
                self.show_many(max, |event| each(*event))
            }

            #[inline]
            fn show_many(&mut self, max: usize, each: impl FnMut(&T)) -> usize {
                let Ok(mut run) = self.take(max as u64) else { return 0 };
                (&mut run).map(each).count()
            }
        }
    };
}

halves!(SingleProducer, SingleProducerBarrier);
halves!(MultiProducer, MultiProducerBarrier);
