//! What a full ring means, as a type.

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

mod sealed {
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
