//! Events that are accounted for, and the way to say that something is wrong.

use std::cell::RefCell;
use std::panic;
use std::rc::Rc;

/// The most operations of one input: more of them find nothing that these do not.
pub const OPERATIONS_MAX: usize = 256;

/// Ends the process, so that the fuzzer keeps the input. A panic would not do: the library under
/// test catches those.
macro_rules! wrong {
    ($($text:tt)+) => {{
        eprintln!("wrong: {}", format_args!($($text)+));
        std::process::abort()
    }};
}
pub(crate) use wrong;

/// Ends the process unless both are equal.
macro_rules! same {
    ($left:expr, $right:expr) => {{
        let (left, right) = (&$left, &$right);
        if left != right {
            crate::common::wrong!(
                "{}:{}: {} is {left:?}, expected {right:?}",
                file!(),
                line!(),
                stringify!($left)
            );
        }
    }};
}
pub(crate) use same;

/// Panics are part of the game here; the hook of the fuzzer would end the process at the first.
///
/// What is not meant to panic is the target's own code: what comes through to `contained` is wrong.
pub fn quiet_panics() {
    panic::set_hook(Box::new(|_| {}));
}

/// Runs an input. A panic that gets this far was not contained by the library, or is a mistake in
/// the model.
pub fn contained(input: impl FnOnce() + panic::UnwindSafe) {
    if let Err(payload) = panic::catch_unwind(input) {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        wrong!("a panic came through: {}", text.unwrap_or("no text"));
    }
}

/// What became of every event of one input: how often it was dropped.
///
/// One thread runs an input, but events must be `Send`, so the ledger is found through the thread.
#[derive(Default)]
struct Ledger {
    drops: Vec<u8>,
}

thread_local! {
    static LEDGER: Rc<RefCell<Ledger>> = Rc::default();
}

/// An event whose drops are counted.
#[derive(Debug)]
pub struct Token {
    pub id: usize,
    panics: bool,
}

impl Token {
    pub fn new(panics: bool) -> Self {
        LEDGER.with(|ledger| {
            let drops = &mut ledger.borrow_mut().drops;
            drops.push(0);
            Self { id: drops.len() - 1, panics }
        })
    }

    /// Drops it here, where a panic of it is expected.
    pub fn discard(self) {
        let _ = panic::catch_unwind(panic::AssertUnwindSafe(|| drop(self)));
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        LEDGER.with(|ledger| ledger.borrow_mut().drops[self.id] += 1);
        if self.panics {
            panic::panic_any(self.id);
        }
    }
}

/// Forgets the events of the input before.
pub fn begin() {
    LEDGER.with(|ledger| ledger.borrow_mut().drops.clear());
}

/// How often the event was dropped so far.
pub fn drops(id: usize) -> u8 {
    LEDGER.with(|ledger| ledger.borrow().drops[id])
}

/// Every event must have been dropped once by now.
pub fn end() {
    LEDGER.with(|ledger| {
        for (id, &drops) in ledger.borrow().drops.iter().enumerate() {
            if drops != 1 {
                wrong!("event {id} was dropped {drops} times");
            }
        }
    });
}
