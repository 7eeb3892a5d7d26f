//! Every kind of ring behind one face, for tests that ask the same of all of them.

use ringbus::{
    Displacing, Lossless, Mode, Ring, RingConsumer, RingProducer, SendAllError, SendError, Sender,
    Sent, SentAll,
};

use crate::common::Token;

type SendResult = Result<Sent<Token>, SendError<Token>>;
type SendAllResult = Result<SentAll<Token>, SendAllError>;

/// A ring of tokens. What one kind of ring cannot do answers `None`, or gives the token back.
pub(crate) trait Subject {
    fn capacity(&self) -> usize;
    fn len_hint(&self) -> usize;
    fn is_closed(&self) -> bool;
    fn close(&mut self) -> bool;
    fn try_send(&mut self, token: Token) -> Result<(), SendError<Token>>;
    fn send_all(&mut self, group: &mut Vec<Token>) -> Result<(), SendAllError>;
    fn receive(&mut self) -> Option<Token>;
    fn receive_into(&mut self, tokens: &mut Vec<Token>, max: usize) -> usize;

    fn send_displacing(&mut self, token: Token) -> Result<SendResult, Token> {
        Err(token)
    }

    fn send_all_displacing(&mut self, _: &mut Vec<Token>) -> Option<SendAllResult> {
        None
    }

    fn send_iter(&mut self, _: impl Iterator<Item = Token>) -> Option<usize> {
        None
    }

    fn receive_each(&mut self, _: usize, _: impl FnMut(Token)) -> Option<usize> {
        None
    }
}

/// What only one mode has, with either number of producers.
pub(crate) trait Kind: Mode + Sized {
    fn displace(ring: &Ring<Token, Self>, token: Token) -> Result<SendResult, Token>;
    fn displace_all(ring: &Ring<Token, Self>, group: &mut Vec<Token>) -> Option<SendAllResult>;
    fn pass_on(ring: &Ring<Token, Self>, max: usize, each: impl FnMut(Token)) -> Option<usize>;
    fn push(half: &mut RingProducer<Token, Self>, token: Token) -> Result<SendResult, Token>;
    fn push_all(
        half: &mut RingProducer<Token, Self>,
        group: &mut Vec<Token>,
    ) -> Option<SendAllResult>;
    fn each(
        half: &mut RingConsumer<Token, Self>,
        max: usize,
        each: impl FnMut(Token),
    ) -> Option<usize>;
}

impl Kind for Lossless {
    fn displace(_: &Ring<Token, Self>, token: Token) -> Result<SendResult, Token> {
        Err(token)
    }

    fn displace_all(_: &Ring<Token, Self>, _: &mut Vec<Token>) -> Option<SendAllResult> {
        None
    }

    fn pass_on(ring: &Ring<Token, Self>, max: usize, each: impl FnMut(Token)) -> Option<usize> {
        Some(ring.try_reader().expect("nobody else reads").receive_each(max, each))
    }

    fn push(_: &mut RingProducer<Token, Self>, token: Token) -> Result<SendResult, Token> {
        Err(token)
    }

    fn push_all(_: &mut RingProducer<Token, Self>, _: &mut Vec<Token>) -> Option<SendAllResult> {
        None
    }

    fn each(
        half: &mut RingConsumer<Token, Self>,
        max: usize,
        each: impl FnMut(Token),
    ) -> Option<usize> {
        Some(half.receive_each(max, each))
    }
}

impl Kind for Displacing {
    fn displace(ring: &Ring<Token, Self>, token: Token) -> Result<SendResult, Token> {
        Ok(ring.send_displacing(token))
    }

    fn displace_all(ring: &Ring<Token, Self>, group: &mut Vec<Token>) -> Option<SendAllResult> {
        Some(ring.send_all_displacing(group))
    }

    fn pass_on(_: &Ring<Token, Self>, _: usize, _: impl FnMut(Token)) -> Option<usize> {
        None
    }

    fn push(half: &mut RingProducer<Token, Self>, token: Token) -> Result<SendResult, Token> {
        Ok(half.send_displacing(token))
    }

    fn push_all(
        half: &mut RingProducer<Token, Self>,
        group: &mut Vec<Token>,
    ) -> Option<SendAllResult> {
        Some(half.send_all_displacing(group))
    }

    fn each(_: &mut RingConsumer<Token, Self>, _: usize, _: impl FnMut(Token)) -> Option<usize> {
        None
    }
}

impl<M: Kind> Subject for Ring<Token, M> {
    fn capacity(&self) -> usize {
        Ring::capacity(self)
    }

    fn len_hint(&self) -> usize {
        Ring::len_hint(self)
    }

    fn is_closed(&self) -> bool {
        Ring::is_closed(self)
    }

    fn close(&mut self) -> bool {
        Ring::close(self)
    }

    fn try_send(&mut self, token: Token) -> Result<(), SendError<Token>> {
        Ring::try_send(self, token)
    }

    fn send_all(&mut self, group: &mut Vec<Token>) -> Result<(), SendAllError> {
        Ring::send_all(self, group)
    }

    fn receive(&mut self) -> Option<Token> {
        self.try_reader().expect("nobody else reads").receive()
    }

    fn receive_into(&mut self, tokens: &mut Vec<Token>, max: usize) -> usize {
        self.try_reader().expect("nobody else reads").receive_into(tokens, max)
    }

    fn send_displacing(&mut self, token: Token) -> Result<SendResult, Token> {
        M::displace(self, token)
    }

    fn send_all_displacing(&mut self, group: &mut Vec<Token>) -> Option<SendAllResult> {
        M::displace_all(self, group)
    }

    fn receive_each(&mut self, max: usize, each: impl FnMut(Token)) -> Option<usize> {
        M::pass_on(self, max, each)
    }
}

/// A ring whose sends go through two handles in turn, and now and then through none.
pub(crate) struct Handles<'r> {
    ring: &'r Ring<Token>,
    senders: [Sender<'r, Token>; 2],
    sends: usize,
}

impl<'r> Handles<'r> {
    pub(crate) fn of(ring: &'r Ring<Token>) -> Self {
        Self { ring, senders: [ring.sender(), ring.sender()], sends: 0 }
    }

    fn next(&mut self) -> Option<&mut Sender<'r, Token>> {
        self.sends += 1;
        self.senders.get_mut(self.sends % 5 % 3)
    }
}

impl Subject for Handles<'_> {
    fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    fn len_hint(&self) -> usize {
        self.ring.len_hint()
    }

    fn is_closed(&self) -> bool {
        self.ring.is_closed()
    }

    fn close(&mut self) -> bool {
        self.ring.close()
    }

    fn try_send(&mut self, token: Token) -> Result<(), SendError<Token>> {
        let ring = self.ring;
        match self.next() {
            Some(handle) => handle.try_send(token),
            None => ring.try_send(token),
        }
    }

    fn send_all(&mut self, group: &mut Vec<Token>) -> Result<(), SendAllError> {
        let ring = self.ring;
        match self.next() {
            Some(handle) => handle.send_all(group),
            None => ring.send_all(group),
        }
    }

    fn receive(&mut self) -> Option<Token> {
        self.ring.try_reader().expect("nobody else reads").receive()
    }

    fn receive_into(&mut self, tokens: &mut Vec<Token>, max: usize) -> usize {
        self.ring.try_reader().expect("nobody else reads").receive_into(tokens, max)
    }

    fn receive_each(&mut self, max: usize, each: impl FnMut(Token)) -> Option<usize> {
        Lossless::pass_on(self.ring, max, each)
    }
}

impl<M: Kind> Subject for (RingProducer<Token, M>, RingConsumer<Token, M>) {
    fn capacity(&self) -> usize {
        assert_eq!(self.0.capacity(), self.1.capacity());
        self.0.capacity()
    }

    fn len_hint(&self) -> usize {
        assert_eq!(self.0.len_hint(), self.1.len_hint());
        self.0.len_hint()
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    fn close(&mut self) -> bool {
        self.1.close()
    }

    fn try_send(&mut self, token: Token) -> Result<(), SendError<Token>> {
        self.0.try_send(token)
    }

    fn send_all(&mut self, group: &mut Vec<Token>) -> Result<(), SendAllError> {
        self.0.send_all(group)
    }

    fn receive(&mut self) -> Option<Token> {
        self.1.receive()
    }

    fn receive_into(&mut self, tokens: &mut Vec<Token>, max: usize) -> usize {
        self.1.receive_into(tokens, max)
    }

    fn send_displacing(&mut self, token: Token) -> Result<SendResult, Token> {
        M::push(&mut self.0, token)
    }

    fn send_all_displacing(&mut self, group: &mut Vec<Token>) -> Option<SendAllResult> {
        M::push_all(&mut self.0, group)
    }

    fn send_iter(&mut self, tokens: impl Iterator<Item = Token>) -> Option<usize> {
        Some(self.0.send_iter(tokens))
    }

    fn receive_each(&mut self, max: usize, each: impl FnMut(Token)) -> Option<usize> {
        M::each(&mut self.1, max, each)
    }
}
