//! The dashboard example: what a frame shows, at any size, and how the program begins and ends.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/program.rs"]
mod program;
#[path = "../common/slow.rs"]
mod slow;

#[path = "../../examples/dashboard/draw.rs"]
mod draw;
#[path = "../../examples/dashboard/figures.rs"]
mod figures;
#[path = "../../examples/dashboard/screen.rs"]
mod screen;
#[path = "../../examples/dashboard/watch.rs"]
mod watch;

mod frames;
mod once;
mod short;
#[cfg(unix)]
mod terminal;
