//! The program in a terminal: it draws, is left by each of its keys, and leaves the terminal as it was.

use std::env;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use ratatui::widgets::Paragraph;
use rustix::fs::{Mode, OFlags};
use rustix::pty::{self, OpenptFlags};
use rustix::termios::{self, LocalModes, Winsize};

use crate::common::PATIENCE;
use crate::once::dashboard;
use crate::screen::Screen;

/// Says that this program is the one that is to panic.
const PANICS: &str = "DASHBOARD_TEST_PANICS";
/// What a terminal is told when the other screen is entered, and left.
const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";

/// A terminal with a program on it.
struct Terminal {
    keys: File,
    /// The side of the program.
    line: OwnedFd,
    output: Receiver<Vec<u8>>,
    seen: String,
    child: Child,
}

impl Terminal {
    fn run(command: &mut Command, (columns, rows): (u16, u16)) -> Self {
        let keys = pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        pty::grantpt(&keys).unwrap();
        pty::unlockpt(&keys).unwrap();
        let name = pty::ptsname(&keys, Vec::new()).unwrap();
        let open = OFlags::RDWR | OFlags::NOCTTY;
        let line = rustix::fs::open(name, open, Mode::empty()).unwrap();
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        termios::tcsetwinsize(&line, size).unwrap();
        let end = || Stdio::from(line.try_clone().unwrap());
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let keys = File::from(keys);
        let (tell, output) = mpsc::channel();
        let mut reader = keys.try_clone().unwrap();
        // Ends when the terminal is gone.
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut bytes) {
                if tell.send(bytes[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { keys, line, output, seen: String::new(), child }
    }

    /// Waits until the terminal was told that.
    #[track_caller]
    fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.seen.contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.seen += &String::from_utf8_lossy(&bytes),
                Err(RecvTimeoutError::Timeout) => panic!("no {text:?} in {:?}", self.seen),
                Err(RecvTimeoutError::Disconnected) => panic!("the terminal is gone"),
            }
        }
    }

    /// Whether it shows what is typed, and takes it line by line.
    fn is_as_usual(&self) -> bool {
        let modes = termios::tcgetattr(&self.line).unwrap().local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended, or the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn each_key_that_quits_leaves_the_terminal_as_it_was() {
    for (key, size) in [("q", (80, 24)), ("\u{1b}", (300, 100)), ("\u{3}", (20, 5)), ("q", (1, 1))]
    {
        let mut command = Command::new(dashboard());
        let mut terminal = Terminal::run(command.current_dir(env!("CARGO_TARGET_TMPDIR")), size);
        assert!(terminal.is_as_usual());
        terminal.wait_for(ENTER);
        if size.0 >= 80 {
            terminal.wait_for("health");
            terminal.wait_for("chart");
            assert!(!terminal.is_as_usual(), "it draws");
        }
        terminal.keys.write_all(key.as_bytes()).unwrap();
        terminal.wait_for("audit ok: ");
        assert!(terminal.child.wait().unwrap().success(), "{}", terminal.seen);
        assert!(terminal.is_as_usual(), "{key:?}");
        let (_, after) = terminal.seen.split_once(LEAVE).expect("it left the other screen");
        assert!(after.contains("\u{1b}[?25h"), "the cursor is back: {after:?}");
    }
}

#[test]
fn other_keys_change_nothing_and_the_time_ends_it() {
    let mut command = Command::new(dashboard());
    command.args(["--seconds", "1"]).current_dir(env!("CARGO_TARGET_TMPDIR"));
    let mut terminal = Terminal::run(&mut command, (80, 24));
    terminal.wait_for("chart");
    terminal.keys.write_all(b"xc\r\t\x1b[A").unwrap();
    terminal.wait_for("audit ok: ");
    assert!(terminal.child.wait().unwrap().success(), "{}", terminal.seen);
    assert!(terminal.is_as_usual());
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_says_why() {
    if env::var_os(PANICS).is_some() {
        let mut screen = Screen::open().unwrap();
        screen.show(Paragraph::new("drawn"), Instant::now() + Duration::from_millis(1)).unwrap();
        panic!("on purpose");
    }
    let mut command = Command::new(env::current_exe().unwrap());
    let name = "terminal::a_panic_gives_the_terminal_back_before_it_says_why";
    command.args(["--exact", name, "--nocapture"]).env(PANICS, "1");
    let mut terminal = Terminal::run(&mut command, (80, 24));
    terminal.wait_for("drawn");
    terminal.wait_for("test result: FAILED");
    assert!(!terminal.child.wait().unwrap().success(), "{}", terminal.seen);
    assert!(terminal.is_as_usual(), "{}", terminal.seen);
    let place = |text| terminal.seen.find(text).unwrap_or_else(|| panic!("{:?}", terminal.seen));
    assert!(place(LEAVE) < place("on purpose"), "{}", terminal.seen);
    assert_eq!(terminal.seen.matches(LEAVE).count(), 1, "{}", terminal.seen);
}
