//! Threads that nobody asked for.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::thread;

use ringbus::OverrunPolicy;

use crate::common::{Number, audited, numbers};

/// How many threads have the name of this one, which those that it starts inherit.
fn threads_of_this_name() -> usize {
    let name = |task: &Path| fs::read_to_string(task.join("comm")).ok();
    let own = name(Path::new("/proc/thread-self"));
    assert!(own.is_some(), "a thread has a name");
    let tasks = fs::read_dir("/proc/self/task").expect("the process has threads");
    tasks.filter(|task| name(&task.as_ref().expect("a thread").path()) == own).count()
}

#[test]
fn no_store_starts_a_thread() {
    let alone = thread::Builder::new().name("starts nothing".to_owned()).spawn(|| {
        let stores: Vec<_> = (0..100).map(|_| numbers(64, OverrunPolicy::Block)).collect();
        for store in &stores {
            store.subscribe((), |_: &Number, _| ()).detach();
            store.send(Number(1)).unwrap();
            store.publish();
            audited(store);
        }
        assert_eq!(threads_of_this_name(), 1);
        let (stop, stopped) = mpsc::channel::<()>();
        let other = thread::spawn(move || stopped.recv());
        assert_eq!(threads_of_this_name(), 2, "one that is started would be found");
        drop(stop);
        assert!(other.join().unwrap().is_err());
    });
    alone.unwrap().join().unwrap();
}
