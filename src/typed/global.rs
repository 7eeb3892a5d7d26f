//! The bus of the process.

use super::bus::TypedBus;
use super::kind::AnySync;
use super::payload::Payload;
use crate::error::GlobalError;
use crate::store::StoreBuilder;
use crate::sync::OnceLock;

static GLOBAL: OnceLock<TypedBus<AnySync>> = OnceLock::new();

/// Sets up the bus of the process, which lasts as long as that does.
///
/// For programs whose parts have nothing else in common. Libraries had better be handed a bus, or a
/// [`Topic`](crate::Topic). Nobody drops it, so what is inside when the process ends is lost, unless it is
/// [drained](crate::EventStore::drain) before.
///
/// # Errors
///
/// [`GlobalError::AlreadySet`] if there is one already, which stays as it is;
/// [`GlobalError::Config`] if there cannot be one with these settings.
///
/// # Examples
///
/// ```
/// use ringbus::{Deadline, GlobalError, OverrunPolicy, TypedBus, global, init_global};
///
/// struct Started;
///
/// assert_eq!(global().unwrap_err(), GlobalError::NotSet);
/// init_global(TypedBus::builder_sync(1024, OverrunPolicy::Block))?;
///
/// // From now on, anywhere:
/// global()?.subscribe::<Started>(|_, _| println!("started")).detach();
/// global()?.send(Started)?;
/// assert_eq!(global()?.publish(), 1);
/// # assert!(global()?.drain(Deadline::NEVER).is_complete());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "InitGlobalBus")]
pub fn init_global(
    builder: StoreBuilder<Payload<AnySync>>,
) -> Result<&'static TypedBus<AnySync>, GlobalError> {
    if GLOBAL.get().is_some() {
        return Err(GlobalError::AlreadySet);
    }
    let bus = builder.build_bus()?;
    // If another thread was faster, this bus goes, with the threads it has.
    GLOBAL.set(bus).map_err(|_| GlobalError::AlreadySet)?;
    global()
}

/// The bus of the process, as [`init_global`] has set it up. One load.
///
/// There is no default: what a full ring means has to be named by somebody. Its events are `Sync`, so
/// that it can have dead letters.
///
/// # Errors
///
/// [`GlobalError::NotSet`] if nobody has set it up.
///
/// # Examples
///
/// ```
/// use ringbus::{OverrunPolicy, TypedBus, global, init_global};
///
/// init_global(TypedBus::builder_sync(8, OverrunPolicy::DropOldest))?;
/// global()?.send("something has happened")?;
/// assert_eq!(global()?.len_hint(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "GetGlobalBus")]
#[inline]
pub fn global() -> Result<&'static TypedBus<AnySync>, GlobalError> {
    GLOBAL.get().ok_or(GlobalError::NotSet)
}
