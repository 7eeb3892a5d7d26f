//! Settings that cannot be.

use std::time::Duration;

/// What is wrong with a capacity or a setting, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The capacity is zero.
    #[error("capacity is 0, but a ring needs at least one slot: give a power of two such as 1024")]
    ZeroCapacity,
    /// A dead letter queue is to hold no letter.
    #[error("a dead letter queue of 0 letters or 0 bytes keeps nothing: give a bound of 1 or more")]
    ZeroLetters,
    /// The capacity is not a power of two.
    #[error("capacity {capacity} is not a power of two: the next smaller one is {smaller}{}", larger_hint(*.larger))]
    NotPowerOfTwo {
        /// The capacity that was asked for, in slots.
        capacity: usize,
        /// The next smaller power of two.
        smaller: usize,
        /// The next larger power of two, if there is one.
        larger: Option<usize>,
    },
    /// The machine cannot give that much memory.
    #[error(
        "capacity {capacity} needs {capacity} slots of {slot_bytes} bytes, which this machine \
         cannot give: use a smaller capacity"
    )]
    OutOfMemory {
        /// The capacity that was asked for, in slots.
        capacity: usize,
        /// What one slot takes, in bytes.
        slot_bytes: usize,
    },
    /// The machine cannot give memory for that many timers.
    #[error("this machine cannot give the memory for {timers_max} timers: let fewer wait")]
    NoMemoryForTimers {
        /// How many timers were to wait at the most.
        timers_max: usize,
    },
    /// The text names no overrun policy.
    #[error(
        "unknown overrun policy {name:?}: expected \"drop-oldest\", \"block\" or \"return-error\""
    )]
    UnknownPolicy {
        /// The text that was given.
        name: String,
    },
    /// A setting is zero that cannot be.
    #[error("{setting} is 0: {hint}")]
    Zero {
        /// The name of the setting.
        setting: &'static str,
        /// What would be right.
        hint: &'static str,
    },
    /// A setting is larger than it can be.
    #[error("{setting} is {value}, but cannot be more than {max}")]
    AboveMax {
        /// The name of the setting.
        setting: &'static str,
        /// What was given.
        value: usize,
        /// The largest value there can be.
        max: usize,
    },
    /// A figure would be unhealthy before it is degraded.
    #[error("the limit {limit} makes a store unhealthy before it is degraded: swap the two")]
    LimitsCrossed {
        /// The name of the limit.
        limit: &'static str,
    },
    /// An exponential back-off would have to stop before it starts.
    #[error("the longest delay, {max:?}, is below the first one, {base:?}: give at least that")]
    MaxBelowBase {
        /// The first delay.
        base: Duration,
        /// The longest delay.
        max: Duration,
    },
    /// A share of failures is no percentage of 1 to 100.
    #[error("a failure rate of {percent} % cannot be: give 1 to 100")]
    NotPercent {
        /// The number that was given.
        percent: u8,
    },
    /// A circuit breaker has no reason to open.
    #[error("the circuit breaker would never open: give it failures or a failure_percent")]
    NeverOpens,
    /// A thread was to be pinned to a core that is not there, or that this process may not use.
    #[error("core {core} cannot be used{}", cores_hint(.usable))]
    NoSuchCore {
        /// The core that was asked for.
        core: usize,
        /// The cores that the thread which asked may use, as far as that is known.
        usable: Vec<usize>,
    },
    /// No thread can bear that name.
    #[error("{name:?} cannot be the name of a thread: leave the nought byte out")]
    ThreadName {
        /// The name that was given.
        name: String,
    },
    /// The system did not start a thread.
    #[error("the thread {name:?} could not be started: {reason}")]
    ThreadNotStarted {
        /// What it was to be called.
        name: String,
        /// What the system says.
        reason: String,
    },
    /// More workers were asked for than any machine has use for.
    #[error("{workers} workers cannot be: give 1 to {max}")]
    TooManyWorkers {
        /// How many were asked for.
        workers: usize,
        /// The largest number there can be.
        max: usize,
    },
    /// The workers do not have a core each.
    #[error("{cores} cores for {workers} workers: name one core for each worker")]
    CoresForWorkers {
        /// How many cores were named.
        cores: usize,
        /// How many workers there are to be.
        workers: usize,
    },
    /// Two stores are to be told apart by their names, which are the same.
    #[error("two stores are called {name:?}: give each a name of its own")]
    StoreNamedTwice {
        /// The name.
        name: String,
    },
    /// Lanes were asked for together with a driver.
    #[error(
        "lanes have threads of their own: leave the driver out, and set the threads up with the \
         workers"
    )]
    DriverOfLanes,
    /// A driver that sleeps was asked for in a store with one producer, who wakes nobody: that would
    /// cost each of its sends more than the whole send.
    #[error(
        "a store with a single producer cannot wake a driver that sleeps: give it one that never \
         does, such as BusySpin or Yield"
    )]
    CannotSleep,
}

fn cores_hint(usable: &[usize]) -> String {
    if usable.is_empty() {
        return String::new();
    }
    let names: Vec<_> = usable.iter().map(ToString::to_string).collect();
    format!(": this thread may use {}", names.join(", "))
}

fn larger_hint(larger: Option<usize>) -> String {
    larger.map_or_else(String::new, |larger| format!(", the next larger one is {larger}"))
}
