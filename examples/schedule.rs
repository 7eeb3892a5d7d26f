//! Events that come later: a time-out that is cancelled, one that is not, a heartbeat, and what is
//! left at the end.

use std::error::Error;
use std::time::Duration;

use ringbus::{Deadline, Event, EventStore, Every, OverrunPolicy, PendingTimers};

/// What goes on between a client and a server.
#[derive(Debug)]
enum Link {
    Request(u32),
    Reply(u32),
    TimedOut(u32),
    Heartbeat(u32),
}

impl Event for Link {
    type Topic = ();

    fn topic(&self) {}
}

const PATIENCE: Duration = Duration::from_millis(40);

fn main() -> Result<(), Box<dyn Error>> {
    let store = EventStore::builder(16, OverrunPolicy::Block)
        .pending_timers(PendingTimers::Return)
        .build()?;
    // A handler schedules through its context. The server is slow with every second request.
    let server = store.subscribe((), |link: &Link, context| {
        if let Link::Request(number) = *link {
            let work = if number % 2 == 0 { PATIENCE * 10 } else { PATIENCE / 4 };
            context.schedule_after(work, Link::Reply(number)).map(drop)
        } else {
            Ok(())
        }
    });
    let mut heartbeats = 0;
    let heart = store.schedule_every(Every::new(PATIENCE / 4)?, move || {
        heartbeats += 1;
        Link::Heartbeat(heartbeats)
    })?;

    let mut time_outs = Vec::new();
    for number in 1..=4 {
        store.send(Link::Request(number))?;
        time_outs.push((number, store.schedule_after(PATIENCE, Link::TimedOut(number))?));
    }
    let _client = store.subscribe((), move |link: &Link, _| match link {
        Link::Request(number) => println!("request {number}"),
        Link::Reply(number) => {
            let in_time = time_outs.iter().find(|(of, _)| of == number);
            let taken_back = in_time.and_then(|(_, time_out)| time_out.cancel());
            println!("reply {number}, in time: {}", taken_back.is_some());
        }
        Link::TimedOut(number) => println!("request {number} timed out"),
        Link::Heartbeat(number) => println!("heartbeat {number}"),
    });

    // Sleeps until something is due, and not longer.
    let end = Deadline::after(PATIENCE * 2);
    while !end.has_passed() {
        store.publish_wait(end);
    }
    assert!(heart.cancel());
    drop(server);
    let report = store.drain(Deadline::NEVER);
    println!("not waited for: {:?}", report.timers);
    println!("{}\n{}", store.audit()?, store.metrics());
    assert_eq!(store.metrics().timers_pending(), 0);
    Ok(())
}
