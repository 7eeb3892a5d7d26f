//! What a full ring means, and how many may send, as types.

/// How a [`Ring`](super::Ring) gives slots back: [`Lossless`] or [`Displacing`].
pub trait Mode: sealed::Mode {}

/// Only the reader takes values out; a full ring refuses sends.
#[derive(Debug, Clone, Copy)]
pub struct Lossless;

/// A sender may take the oldest value out of a full ring.
#[derive(Debug, Clone, Copy)]
pub struct Displacing;

impl Mode for Lossless {}
impl Mode for Displacing {}

/// How many may send: [`Many`] or [`Single`].
pub trait Producers: sealed::Producers {}

/// Any number of threads may send, through any handle.
#[derive(Debug, Clone, Copy)]
pub struct Many;

/// One owned handle sends; it needs no read-modify-write.
#[derive(Debug, Clone, Copy)]
pub struct Single;

impl Producers for Many {}
impl Producers for Single {}

mod sealed {
    pub trait Producers: Send + Sync + 'static {}

    impl Producers for super::Many {}
    impl Producers for super::Single {}

    pub trait Mode: Send + Sync + 'static {
        const DISPLACES: bool;
    }

    impl Mode for super::Lossless {
        const DISPLACES: bool = false;
    }

    impl Mode for super::Displacing {
        const DISPLACES: bool = true;
    }
}
