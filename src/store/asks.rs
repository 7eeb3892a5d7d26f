//! Events whose senders wait for an answer from the driver.
//!
//! Each is there from when its sender begins to wait until it stops, so there are no more than threads
//! that wait. Whoever takes the event out, the driver to deliver it or the sender to have it back, does
//! so under the lock; so one of them does.

use crate::handler::Answer;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{self, Mutex};

/// What the driver is asked.
pub(super) struct Asks<E> {
    list: Mutex<List<E>>,
    /// How many events nobody has taken out yet.
    waiting: AtomicUsize,
}

struct List<E> {
    next_ticket: u64,
    /// A store has few threads that wait.
    asks: Vec<Ask<E>>,
}

struct Ask<E> {
    ticket: u64,
    /// What is before this position is to be dispatched first.
    position: u64,
    state: Asked<E>,
}

/// How far it has come.
pub(super) enum Asked<E> {
    /// Its turn has not come.
    Waiting(E),
    /// Its handlers are being called.
    Begun,
    Answered(Answer),
}

impl<E> Asks<E> {
    pub(super) fn new() -> Self {
        let list = List { next_ticket: 0, asks: Vec::new() };
        Self { list: Mutex::new(list), waiting: AtomicUsize::new(0) }
    }

    /// Whether there is one to be answered.
    #[inline]
    pub(super) fn is_asked(&self) -> bool {
        // Relaxed: who acts on it takes the lock; who sleeps is rung for. Model: `answer_vs_driver`.
        self.waiting.load(Ordering::Relaxed) != 0
    }

    /// Puts one in; its number.
    pub(super) fn push(&self, event: E, position: u64) -> u64 {
        let mut list = sync::lock(&self.list);
        let ticket = list.next_ticket;
        list.next_ticket += 1;
        list.asks.push(Ask { ticket, position, state: Asked::Waiting(event) });
        self.count(&list);
        ticket
    }

    /// Takes out the first event whose turn has come when all before `head` is dispatched.
    pub(super) fn begin(&self, head: u64) -> Option<(u64, E)> {
        let mut list = sync::lock(&self.list);
        let is_next = |ask: &&mut Ask<E>| ask.position <= head && ask.is_waiting();
        let ask = list.asks.iter_mut().find(is_next)?;
        let ticket = ask.ticket;
        let state = std::mem::replace(&mut ask.state, Asked::Begun);
        self.count(&list);
        match state {
            Asked::Waiting(event) => Some((ticket, event)),
            Asked::Begun | Asked::Answered(_) => unreachable!("it is waiting"),
        }
    }

    /// Answers one that was begun, unless its sender has gone; without an answer none will come.
    pub(super) fn settle(&self, ticket: u64, answer: Option<Answer>) {
        let mut list = sync::lock(&self.list);
        let place = list.place(ticket);
        match (place, answer) {
            (Some(place), Some(answer)) => list.asks[place].state = Asked::Answered(answer),
            (Some(place), None) => drop(list.asks.remove(place)),
            (None, nobodys) => {
                // The errors in it are the user's.
                drop(list);
                drop(nobodys);
            }
        }
    }

    /// Whether the sender need not wait, if `is_over` says whether the driver begins no more of them.
    pub(super) fn is_settled(&self, ticket: u64, is_over: bool) -> bool {
        sync::lock(&self.list).is_settled(ticket, is_over)
    }

    /// The sender's last word, if it need not wait.
    #[allow(clippy::option_option)] // Not yet, or a word that may be that there is none.
    pub(super) fn take_settled(
        &self,
        ticket: u64,
        is_over: impl FnOnce() -> bool,
    ) -> Option<Option<Asked<E>>> {
        let mut list = sync::lock(&self.list);
        list.is_settled(ticket, is_over()).then(|| self.take_out(&mut list, ticket))
    }

    /// The sender's last word.
    pub(super) fn take(&self, ticket: u64) -> Option<Asked<E>> {
        self.take_out(&mut sync::lock(&self.list), ticket)
    }

    fn take_out(&self, list: &mut List<E>, ticket: u64) -> Option<Asked<E>> {
        let place = list.place(ticket)?;
        let ask = list.asks.remove(place);
        self.count(list);
        Some(ask.state)
    }

    fn count(&self, list: &List<E>) {
        let waiting = list.asks.iter().filter(|ask| ask.is_waiting()).count();
        // Relaxed: see `is_asked`.
        self.waiting.store(waiting, Ordering::Relaxed);
    }
}

impl<E> List<E> {
    fn place(&self, ticket: u64) -> Option<usize> {
        self.asks.iter().position(|ask| ask.ticket == ticket)
    }

    fn is_settled(&self, ticket: u64, is_over: bool) -> bool {
        match self.place(ticket).map(|place| &self.asks[place].state) {
            Some(Asked::Waiting(_)) => is_over,
            Some(Asked::Begun) => false,
            Some(Asked::Answered(_)) | None => true,
        }
    }
}

impl<E> Ask<E> {
    fn is_waiting(&self) -> bool {
        matches!(self.state, Asked::Waiting(_))
    }
}
