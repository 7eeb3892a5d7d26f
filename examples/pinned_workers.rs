//! Workers that each stay on a core of their own.
//!
//! ```console
//! $ cargo run --release --example pinned_workers         # on the cores that there are
//! $ cargo run --release --example pinned_workers -- 2 3  # on these
//! ```
//!
//! Asks the machine which cores this program may use. If it says nothing, or a core cannot be had, the
//! workers run wherever the system puts them, and the program says so.

use std::error::Error;
use std::thread;

use ringbus::{
    BusySpin, ConfigError, Deadline, Event, EventStore, Lanes, OverrunPolicy, Park,
    SubscribeOptions, Workers,
};

/// Something measured somewhere.
struct Sample {
    sensor: u32,
    value: f64,
}

impl Event for Sample {
    type Topic = ();

    fn topic(&self) {}
}

const SAMPLES: u32 = 100_000;

fn main() -> Result<(), Box<dyn Error>> {
    let usable: Vec<usize> = match core_affinity::get_core_ids() {
        Some(cores) => cores.into_iter().map(|core| core.id).collect(),
        None => Vec::new(),
    };
    let asked = std::env::args().skip(1).map(|core| core.parse());
    let mut cores = asked.collect::<Result<Vec<usize>, _>>()?;
    if cores.is_empty() {
        // One core stays free for the sender, and for everything else that runs here.
        cores = usable.iter().copied().skip(usize::from(usable.len() > 1)).collect();
    }
    println!("this program may use the cores {usable:?}; workers on {cores:?}");

    // A worker that spins notices an event some 100 ns after it was sent, but takes a whole core day
    // and night, and if another thread wants that core both crawl. One that parks leaves the core to
    // others when there is nothing to do; the first event after a rest then pays for waking it, some
    // 10 µs or more. So: spin only where each worker has a core that nobody else needs.
    let mut is_spinning = cores.len() < usable.len();
    let lanes = match build(&cores, is_spinning) {
        Ok(lanes) => lanes,
        Err(error) => {
            println!("{error}; so the workers run wherever the system puts them");
            (cores, is_spinning) = (Vec::new(), false);
            build(&cores, is_spinning)?
        }
    };
    println!("{} workers that {}", lanes.count(), if is_spinning { "spin" } else { "park" });

    // A state for each worker, without a lock: by key, it is all there is to know of its sensors.
    let _highest = lanes.subscribe_each(SubscribeOptions::topic(()), |_lane| {
        let mut highest = f64::MIN;
        move |sample: &Sample, _: &_| highest = highest.max(sample.value)
    });
    for number in 0..SAMPLES {
        lanes.send(Sample { sensor: number % 64, value: f64::from(number).sin() })?;
    }
    lanes.flush(Deadline::NEVER)?;

    for index in 0..lanes.count() {
        let metrics = lanes.lane(index).expect("so many there are").metrics();
        let core = cores.get(index).map_or("any core".to_owned(), |core| format!("core {core}"));
        println!("worker {index}, {core}: {} samples", metrics.handled);
    }
    assert_eq!(lanes.metrics().handled, u64::from(SAMPLES));
    println!("{}", lanes.audit()?);
    Ok(())
}

/// A worker for each core; without any, as many as there are processors, on no core in particular.
fn build(cores: &[usize], is_spinning: bool) -> Result<Lanes<Sample>, ConfigError> {
    let workers = Workers::by_key(|sample: &Sample| sample.sensor).name("samples");
    let workers = match cores.len() {
        0 => workers.count(thread::available_parallelism().map_or(1, Into::into)),
        count => workers.count(count).pin_to(cores.iter().copied()),
    };
    let workers = if is_spinning { workers.wait(BusySpin) } else { workers.wait(Park::new()) };
    EventStore::builder(1024, OverrunPolicy::Block).build_lanes(workers)
}
