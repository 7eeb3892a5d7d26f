//! Any type as an event: parts of a program that know of each other only the types they send.
//!
//! ```console
//! $ cargo run --example typed
//! mail: welcome, ann
//! mail: welcome, ben
//! mail: a picture of 4096 bytes for ann
//! log:  typed::UserCreated
//! ...
//! ```

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ringbus::AnySync;
use ringbus::{DeadLetterConfig, DeadLetterQueue, OverrunPolicy, Topic, TypedBus, TypedOptions};

/// Lies inline in the ring: it is small enough.
struct UserCreated {
    name: String,
}

/// Too large for that: it is boxed, by one allocation.
struct PictureTaken {
    user: &'static str,
    pixels: [u8; 4096],
}

/// Sent by a handler of another event.
struct MailSent;

/// A part of the program that sends events of one type, and cannot send others.
fn sign_up(users: &Topic<UserCreated, AnySync>) -> Result<(), Box<dyn Error>> {
    for name in ["ann", "ben", ""] {
        users.send(UserCreated { name: name.to_owned() })?;
    }
    Ok(())
}

/// A part that receives events of several types, and sends one.
fn start_mailing(bus: &TypedBus<AnySync>) {
    let welcome = bus.subscribe::<UserCreated>(|user, context| {
        if user.name.is_empty() {
            return Err(std::io::Error::other("nobody lives there"));
        }
        println!("mail: welcome, {}", user.name);
        context.send(MailSent).map(drop).expect("there is room");
        Ok(())
    });
    welcome.detach();
    let pictures = bus.subscribe::<PictureTaken>(|picture, _| {
        println!("mail: a picture of {} bytes for {}", picture.pixels.len(), picture.user);
    });
    pictures.detach();
}

fn main() -> Result<(), Box<dyn Error>> {
    let letters = DeadLetterQueue::new(DeadLetterConfig::new(10))?;
    let bus = TypedBus::builder_sync(64, OverrunPolicy::ReturnError)
        .dead_letters(&letters)
        .build_bus()?;

    start_mailing(&bus);
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let _count = bus.subscribe::<MailSent>(move |_, _| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    // The first long name, and no other.
    let long = TypedOptions::new().filter(|user: &UserCreated| user.name.len() > 2).once();
    let _long = bus.subscribe_with(long, |user, _| println!("first: {}", user.name));
    let _log = bus.subscribe_any(|event, _| println!("log:  {}", event.type_name()));

    sign_up(&bus.topic())?;
    bus.send(PictureTaken { user: "ann", pixels: [0; 4096] })?;
    // What the handlers have sent is dispatched by the next one.
    while bus.publish() > 0 {}

    let [letter] = &letters.drain()[..] else { return Err("one user has no name".into()) };
    println!("lost: {} ({})", letter.event().type_name(), letter.error());
    assert!(letter.event().downcast_ref::<UserCreated>().is_some_and(|user| user.name.is_empty()));
    assert_eq!(sent.load(Ordering::Relaxed), 2);
    println!("{}", bus.audit()?);
    Ok(())
}
