//! What the machine is, where threads run, and how time is told.

use std::fs::{self, File};
use std::io::Read;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use core_affinity::CoreId;

use super::allocations;

/// The cores this process may use, as they were when it began.
fn cores() -> &'static [CoreId] {
    static CORES: OnceLock<Vec<CoreId>> = OnceLock::new();
    CORES.get_or_init(|| core_affinity::get_core_ids().unwrap_or_default())
}

/// How many cores this process may use.
pub(crate) fn core_count() -> usize {
    cores().len()
}

/// How many cores the senders of a row have that has several.
pub(crate) fn sender_cores() -> usize {
    if is_pinned() { core_count() - 1 } else { 1 }
}

/// Whether sender and receiver each have a core of their own.
pub(crate) fn is_pinned() -> bool {
    core_count() >= 2
}

/// The model of the processor, where the system tells it.
pub(crate) fn cpu_model() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    let model = line.and_then(|line| line.split(':').nth(1)).unwrap_or("unknown");
    model.trim().to_owned()
}

/// Who a thread is, and hence where it runs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// The sending thread, and the only one of one-thread rows: the first core.
    Sender,
    /// One of many senders: they share all cores but the last.
    SenderOf(usize),
    /// One of many senders, on any core in turn.
    AnyCore(usize),
    /// The receiving thread: the last core, unless it has to share one with the sender.
    Receiver,
}

impl Place {
    fn core(self) -> usize {
        let last = core_count() - 1;
        match self {
            Self::Sender => 0,
            Self::SenderOf(number) => number % last,
            Self::AnyCore(number) => number % (last + 1),
            Self::Receiver => last,
        }
    }
}

/// Puts a thread of a row where it belongs (a machine with one core has only one place), and what
/// it allocates on the books. Every thread of a row begins with this.
pub(crate) fn enter(place: Place) {
    allocations::watch_this_thread();
    if is_pinned() {
        core_affinity::set_for_current(cores()[place.core()]);
    }
}

/// Puts the thread that measures where it belongs, and says what it measures on.
pub(crate) fn enter_and_tell() {
    enter(Place::Sender);
    let pinned = if is_pinned() { "threads pinned" } else { "too few to pin threads" };
    println!("{}, {} cores, {pinned}", cpu_model(), core_count());
}

/// Time in ticks of a clock that all cores share and that is quick to read.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn ticks() -> u64 {
    // SAFETY: every x86-64 processor has the instruction, and it only reads a counter.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Time in ticks of a clock that all cores share.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub(crate) fn ticks() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// How many nanoseconds a tick is: measured once, over a tenth of a second.
pub(crate) fn ns_per_tick() -> f64 {
    static NS: OnceLock<f64> = OnceLock::new();
    *NS.get_or_init(|| {
        let (start, first) = (Instant::now(), ticks());
        thread::sleep(Duration::from_millis(100));
        let (elapsed, last) = (start.elapsed(), ticks());
        elapsed.as_secs_f64() * 1e9 / as_f64(last - first)
    })
}

/// How long the calling thread has run on a core, where the system tells it. Allocates nothing.
pub(crate) fn thread_cpu_time() -> Option<Duration> {
    let mut text = [0; 64];
    let len = File::open("/proc/thread-self/schedstat").ok()?.read(&mut text).ok()?;
    let text = str::from_utf8(&text[..len]).ok()?;
    let ns = text.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(ns))
}

/// For how long, since the system began, somebody had to wait for a core; where the system tells it.
pub(crate) fn waiting_for_cores() -> Option<Duration> {
    let text = fs::read_to_string("/proc/pressure/cpu").ok()?;
    let some = text.lines().find(|line| line.starts_with("some"))?;
    let total = some.rsplit_once("total=")?.1.trim().parse().ok()?;
    Some(Duration::from_micros(total))
}

/// A count as a number to calculate with.
#[allow(clippy::cast_precision_loss)] // No count here is near 2^52.
pub(crate) fn as_f64(count: u64) -> f64 {
    count as f64
}
