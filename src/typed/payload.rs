//! A value of any type in room of one size: the one file outside of the ring that needs `unsafe`.
//!
//! # How it works
//!
//! A payload is [`INLINE_BYTES`] of room and a pointer to the [`Shape`] of what is in it: its type, and
//! how to drop it. A value that fits, and is aligned no more than the room is, lies in the room; of any
//! other there is a pointer in it, to a box. Which of the two it is, is known from the type alone
//! ([`is_inline`]), so that nothing has to be kept about it, and nothing looked at.
//!
//! # Why it is right
//!
//! * *Type.* `new` fills the room and names the shape in one step, and nobody changes either of them
//!   afterwards. Whoever looks into the room has compared the shape's `TypeId` with its own type first,
//!   or was called by the shape.
//! * *Once.* The value leaves by one door: `downcast` takes it and forgets the payload, or the payload's
//!   `Drop` drops it. If the `Drop` of the value panics, the payload counts as dropped all the same, and
//!   a box is given back on the way.
//! * *Place.* A payload may be moved as any value of Rust may be. What is in the room moves with it, and a
//!   box stays where it is; the pointer to it is a raw one, so a move makes no claim on the box.
//! * *Change.* A value may change behind a shared reference to the payload: a `Cell`, or a `Mutex`. So the room
//!   is a cell, whatever is in it; else the compiler would take it for granted that nothing changes there.
//! * *Threads.* A kind says what it [carries](super::Carries), and nobody but this file can say so.
//!   All kinds carry only what is `Send`; those that are said to be `Sync` here only what is `Sync`.

use core::any::{Any, TypeId, type_name};
use core::fmt;
use core::marker::PhantomData;
use core::mem::{ManuallyDrop, MaybeUninit, needs_drop};

use super::kind::{AnyClone, AnySend, AnySync, Carries, Kind};
use super::topic::TypeTopic;
use crate::event::Event;
use crate::sync::PlainUnsafeCell;

/// Up to so many bytes lie in the payload itself: with what belongs to it, and to its slot in the
/// ring, that is a cache line.
pub(super) const INLINE_BYTES: usize = 48;
/// Aligned to so many bytes at the most.
pub(super) const INLINE_ALIGN: usize = 8;

/// Whether a value of this type lies in the room.
const fn is_inline<T>() -> bool {
    size_of::<T>() <= INLINE_BYTES && align_of::<T>() <= INLINE_ALIGN
}

/// Room for a value that fits, or for the pointer to one that does not.
#[derive(Debug)]
pub struct Room(PlainUnsafeCell<Bytes>);

#[derive(Debug)]
#[repr(C, align(8))]
struct Bytes(#[allow(dead_code)] MaybeUninit<[u8; INLINE_BYTES]>); // Reached through pointers alone.

const _: () = assert!(align_of::<Room>() == INLINE_ALIGN && size_of::<Room>() == INLINE_BYTES);
const _: () = assert!(is_inline::<*mut ()>());

/// Makes another value of what is in the room; for a room with a value of one type.
pub(super) type CloneRoom = unsafe fn(&Room) -> Room;

impl Room {
    #[inline]
    fn filled<T>(value: T) -> Self {
        let room = Self(PlainUnsafeCell::new(Bytes(MaybeUninit::uninit())));
        let place = room.0.get();
        if const { is_inline::<T>() } {
            // SAFETY: the room is large enough for a `T`, aligned for it, and this function's own.
            unsafe { place.cast::<T>().write(value) };
        } else {
            let boxed = Box::into_raw(Box::new(value));
            // SAFETY: the same holds for a pointer, as is asserted above.
            unsafe { place.cast::<*mut T>().write(boxed) };
        }
        room
    }

    /// Where the value is.
    ///
    /// # Safety
    ///
    /// There is a `T` in the room, put there by [`filled`](Self::filled).
    #[inline]
    const unsafe fn value<T>(&self) -> *const T {
        let place = self.0.get();
        if const { is_inline::<T>() } {
            place.cast::<T>().cast_const()
        } else {
            // SAFETY: then there is a pointer to it in the room, aligned as the room is.
            unsafe { place.cast::<*mut T>().read() }
        }
    }

    /// Moves the value out.
    ///
    /// # Safety
    ///
    /// As [`value`](Self::value), and the value is the caller's to take; from now on the room counts as
    /// empty.
    #[inline]
    unsafe fn take<T>(&self) -> T {
        // SAFETY: there is a `T` in the room.
        let value = unsafe { self.value::<T>() };
        if const { is_inline::<T>() } {
            // SAFETY: it is the caller's, who will not look at the room again.
            unsafe { value.read() }
        } else {
            // SAFETY: it came out of a box in `filled`, is the caller's, and nobody has another pointer
            // to it that will be used.
            *unsafe { Box::from_raw(value.cast_mut()) }
        }
    }
}

/// Drops the value in a room.
///
/// # Safety
///
/// As [`Room::take`].
unsafe fn drop_room<T>(room: &mut Room) {
    if const { is_inline::<T>() } {
        let value = room.0.get().cast::<T>();
        // SAFETY: there is a `T` in the room, which is the caller's to drop, and aligned for it. It is
        // dropped where it is: nothing is moved, and a panic leaves nothing that would be dropped again.
        unsafe { value.drop_in_place() };
    } else {
        // SAFETY: there is a `T` behind the pointer in the room.
        let value = unsafe { room.value::<T>() };
        // SAFETY: as in `take`. A panic in the value's `Drop` gives the box back all the same.
        drop(unsafe { Box::from_raw(value.cast_mut()) });
    }
}

/// Clones the value in a room.
///
/// # Safety
///
/// As [`Room::value`].
unsafe fn clone_room<T: Clone>(room: &Room) -> Room {
    // SAFETY: there is a `T` in the room.
    let value = unsafe { room.value::<T>() };
    // SAFETY: it is there for as long as the room is borrowed, and only lent to others too. A panic in
    // `clone` leaves nothing behind: the new room is filled with what it returns.
    Room::filled(unsafe { &*value }.clone())
}

/// What is known of a value whose type is not.
pub(super) struct Shape {
    pub(super) id: TypeId,
    pub(super) name: fn() -> &'static str,
    is_inline: bool,
    /// Nothing if there is nothing to do.
    drop: Option<unsafe fn(&mut Room)>,
    /// Present in payloads of the kinds that can be cloned.
    clone: Option<CloneRoom>,
}

impl Shape {
    pub(super) const fn of<T: 'static>(clone: Option<CloneRoom>) -> Self {
        let is_plain = is_inline::<T>() && !needs_drop::<T>();
        Self {
            id: TypeId::of::<T>(),
            name: type_name::<T>,
            is_inline: is_inline::<T>(),
            drop: if is_plain { None } else { Some(drop_room::<T>) },
            clone,
        }
    }
}

/// What a kind can do with a type. Only this file says so: all that is said of threads rests on it.
pub trait Carry<T> {
    /// How to clone a value of that type, if the kind is one of values that are cloned.
    const CLONE: Option<CloneRoom> = None;
}

impl<T: Send + 'static> Carry<T> for AnySend {}
impl<T: Send + Sync + 'static> Carry<T> for AnySync {}
impl<T: Clone + Send + Sync + 'static> Carry<T> for AnyClone {
    const CLONE: Option<CloneRoom> = Some(clone_room::<T>);
}

/// An event of any type: what goes through a [`TypedBus`](crate::TypedBus).
///
/// Values of up to 48 bytes, aligned to 8 at the most, lie inline, in the slot of the ring; others in a box,
/// which is one allocation for each. Of what kind the values are is up to `K`: see
/// [`AnySend`]. A payload that is put into a payload of the same kind is that payload:
/// there are none within others.
///
/// # Examples
///
/// ```
/// use ringbus::Payload;
///
/// struct UserCreated {
///     name: String,
/// }
///
/// let payload: Payload = Payload::new(UserCreated { name: "ann".to_owned() });
/// assert!(payload.is::<UserCreated>() && !payload.is::<String>());
/// let user = payload.downcast::<UserCreated>().expect("it is one");
/// assert_eq!(user.name, "ann");
/// ```
pub struct Payload<K: Kind = AnySend> {
    room: Room,
    shape: &'static Shape,
    /// The pointer takes `Send` and `Sync` away, which depend on what is in the room.
    kind: PhantomData<(K, *mut ())>,
}

// SAFETY: all that is `Carry` of a kind is `Send`, so every value in a payload is; and so is the rest of it.
unsafe impl<K: Kind> Send for Payload<K> {}
// SAFETY: a `&Payload` gives out nothing but `&T` and, of values of this kind, all are `Sync`.
unsafe impl Sync for Payload<AnySync> {}
// SAFETY: as above; a clone is made through a `&T` too.
unsafe impl Sync for Payload<AnyClone> {}

impl<K: Kind> Payload<K> {
    /// A payload with `value` in it.
    ///
    /// Moves the value, or allocates for it if it is too large to lie inline.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::Payload;
    /// let small: Payload = Payload::new(7_u64);
    /// let large: Payload = Payload::new([0_u8; 4096]);
    /// assert_eq!((small.is_inline(), large.is_inline()), (true, false));
    /// ```
    #[inline]
    pub fn new<T: 'static>(value: T) -> Self
    where
        K: Carries<T>,
    {
        if TypeId::of::<T>() == TypeId::of::<Self>() {
            return recast(value).unwrap_or_else(|_| unreachable!("the types are the same"));
        }
        let shape = const { &Shape::of::<T>(K::CLONE) };
        Self { room: Room::filled(value), shape, kind: PhantomData }
    }

    /// Whether the value is a `T`. Every payload is a `Payload` too.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::Payload;
    /// let payload: Payload = Payload::new("text");
    /// assert!(payload.is::<&str>() && payload.is::<Payload>() && !payload.is::<String>());
    /// ```
    #[inline]
    pub fn is<T: 'static>(&self) -> bool {
        self.holds::<T>() || TypeId::of::<T>() == TypeId::of::<Self>()
    }

    #[inline]
    fn holds<T: 'static>(&self) -> bool {
        self.shape.id == TypeId::of::<T>()
    }

    /// The value, if it is a `T`. One comparison.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::Payload;
    /// let payload: Payload = Payload::new(7_u8);
    /// assert_eq!(payload.downcast_ref::<u8>(), Some(&7));
    /// assert_eq!(payload.downcast_ref::<u16>(), None);
    /// ```
    #[inline]
    pub fn downcast_ref<T: 'static>(&self) -> Option<&T> {
        if self.holds::<T>() {
            // SAFETY: the shape says that there is a `T`.
            let value = unsafe { self.room.value::<T>() };
            // SAFETY: it is there for as long as the payload is borrowed, and only lent to others too.
            return Some(unsafe { &*value });
        }
        (self as &dyn Any).downcast_ref()
    }

    /// Takes the value out, if it is a `T`.
    ///
    /// # Errors
    ///
    /// The payload, as it was.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::Payload;
    /// let payload: Payload = Payload::new(String::from("text"));
    /// let payload = payload.downcast::<u8>().expect_err("it is no number");
    /// assert_eq!(payload.downcast::<String>().expect("it is a text"), "text");
    /// ```
    #[inline]
    pub fn downcast<T: 'static>(self) -> Result<T, Self> {
        if self.holds::<T>() {
            let payload = ManuallyDrop::new(self);
            // SAFETY: the shape says that there is a `T`; it leaves here, and the payload is not dropped.
            return Ok(unsafe { payload.room.take::<T>() });
        }
        recast(self)
    }

    /// The topic of the value: its type.
    #[inline]
    pub const fn type_topic(&self) -> TypeTopic {
        TypeTopic(self.shape)
    }

    /// What the type of the value is called. For people: two types may have one name.
    pub fn type_name(&self) -> &'static str {
        (self.shape.name)()
    }

    /// Whether the value lies in the payload itself, not in a box.
    pub const fn is_inline(&self) -> bool {
        self.shape.is_inline
    }
}

/// The value as one of another type, if that is the same type under another name.
fn recast<T: 'static, U: 'static>(value: T) -> Result<U, T> {
    let mut value = Some(value);
    let same = (&mut value as &mut dyn Any).downcast_mut::<Option<U>>();
    match same.and_then(Option::take) {
        Some(same) => Ok(same),
        None => Err(value.expect("it has not been taken")),
    }
}

impl<K: Kind> Event for Payload<K> {
    type Topic = TypeTopic;

    #[inline]
    fn topic(&self) -> TypeTopic {
        self.type_topic()
    }

    #[inline]
    fn needs_drop(&self) -> bool {
        self.shape.drop.is_some()
    }
}

impl Clone for Payload<AnyClone> {
    /// Clones the value.
    fn clone(&self) -> Self {
        let clone = self.shape.clone.expect("only such values are put into payloads of this kind");
        // SAFETY: the function is for values of the type that is in the room.
        let room = unsafe { clone(&self.room) };
        Self { room, shape: self.shape, kind: PhantomData }
    }
}

impl<K: Kind> Drop for Payload<K> {
    #[inline]
    fn drop(&mut self) {
        if let Some(drop) = self.shape.drop {
            // SAFETY: the function is for values of the type that is in the room, and nobody looks at the
            // payload any more.
            unsafe { drop(&mut self.room) };
        }
    }
}

impl<K: Kind> fmt::Debug for Payload<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Payload").field(&self.type_topic()).finish()
    }
}
