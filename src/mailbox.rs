//! The way from many threads to one that must never wait for them.
//!
//! An engine thread takes what adapters and HTTP put there. They have a lower priority, and the
//! kernel may put one of them aside at any instruction, for milliseconds. In a ring buffer a place is
//! claimed first and filled then; whoever reads it in between waits, spinning, until the kernel lets
//! the other one go on. Here a letter is whole before anybody sees it: one instruction makes it the
//! newest, one takes all of them.
//!
//! Source of the structure: `include/linux/llist.h` of the kernel, which is the same list.
#![allow(unsafe_code)] // letters are owned through a raw pointer; the one block says why it is sound

#[cfg(feature = "loom")]
use loom::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::collections::VecDeque;
use std::ptr;
#[cfg(not(feature = "loom"))]
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

struct Letter<T> {
    content: T,
    /// The letter that was the newest before; null for the first.
    before: *mut Self,
}

/// See the module. Any thread puts, one takes.
#[derive(Debug)]
pub struct Mailbox<T: Send> {
    newest: AtomicPtr<Letter<T>>,
    /// Letters that are here or about to be.
    waiting: AtomicUsize,
    most: usize,
}

impl<T: Send> Mailbox<T> {
    /// An empty mailbox for `most` letters.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            newest: AtomicPtr::new(ptr::null_mut()),
            waiting: AtomicUsize::new(0),
            most,
        }
    }

    /// Puts a letter behind those that are here.
    ///
    /// # Errors
    /// Gives it back where `most` are here.
    pub fn put(&self, content: T) -> Result<(), T> {
        let one_more = |waiting| (waiting < self.most).then_some(waiting + 1);
        let (set, read) = (Ordering::Relaxed, Ordering::Relaxed);
        if self.waiting.fetch_update(set, read, one_more).is_err() {
            return Err(content);
        }
        let letter = Box::new(Letter {
            content,
            before: ptr::null_mut(),
        });
        self.link(letter);
        Ok(())
    }

    fn link(&self, mut letter: Box<Letter<T>>) {
        let mut newest = self.newest.load(Ordering::Relaxed);
        loop {
            letter.before = newest;
            let own = Box::into_raw(letter);
            // Release here, Acquire in `take_all`: who sees the letter sees what is in it. That
            // another one has come and gone in between is no harm, for `newest` is not looked into.
            let swapped = self.newest.compare_exchange_weak(
                newest,
                own,
                Ordering::Release,
                Ordering::Relaxed,
            );
            match swapped {
                Ok(_) => return,
                Err(other) => newest = other,
            }
            // SAFETY: the pointer is of the box above, and nobody else has seen it.
            letter = unsafe { Box::from_raw(own) };
        }
    }

    /// Takes all letters that are here, the oldest first, and puts them behind what `into` has.
    /// Waits for nobody: of a letter that is being put just now the next call learns.
    pub fn take_all(&self, into: &mut VecDeque<T>) {
        if self.newest.load(Ordering::Relaxed).is_null() {
            return; // an exchange would take the line away from those who put
        }
        let had = into.len();
        let mut next = self.newest.swap(ptr::null_mut(), Ordering::Acquire);
        while !next.is_null() {
            // SAFETY: every pointer in the list is of a box that `link` gave up, and the exchange
            // above gave the whole list to this call alone.
            let letter = unsafe { Box::from_raw(next) };
            next = letter.before;
            into.push_back(letter.content);
        }
        if let Some(taken) = into.make_contiguous().get_mut(had..) {
            taken.reverse();
            self.waiting.fetch_sub(taken.len(), Ordering::Relaxed);
        }
    }

    /// Letters that are here or about to be.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// True without letters: nothing would be taken now.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.newest.load(Ordering::Relaxed).is_null()
    }
}

impl<T: Send> Drop for Mailbox<T> {
    fn drop(&mut self) {
        self.take_all(&mut VecDeque::new());
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn letters_come_out_in_their_order_behind_what_was_taken_before() {
        let mailbox = Mailbox::new(3);
        let mut taken = VecDeque::from([7]);
        mailbox.take_all(&mut taken);
        assert_eq!(taken, [7]);
        for letter in [1, 2, 3] {
            assert_eq!(mailbox.put(letter), Ok(()));
        }
        assert_eq!(mailbox.put(4), Err(4), "a full mailbox gives it back");
        assert_eq!(mailbox.len(), 3);
        mailbox.take_all(&mut taken);
        assert_eq!(taken, [7, 1, 2, 3]);
        assert_eq!((mailbox.len(), mailbox.is_empty()), (0, true));
        assert_eq!(mailbox.put(4), Ok(()));
        mailbox.take_all(&mut taken);
        assert_eq!(taken, [7, 1, 2, 3, 4]);
    }

    #[test]
    fn a_letter_that_is_still_being_put_holds_up_nobody() {
        let mailbox = Mailbox::new(8);
        mailbox.put(1).expect("room");
        // A thread that was put aside in the middle of `put`.
        mailbox.waiting.fetch_add(1, Ordering::Relaxed);
        mailbox.put(3).expect("room");
        let mut taken = VecDeque::new();
        mailbox.take_all(&mut taken);
        assert_eq!(taken, [1, 3]);
        assert_eq!((mailbox.len(), mailbox.is_empty()), (1, true));
        mailbox.link(Box::new(Letter {
            content: 2,
            before: ptr::null_mut(),
        }));
        mailbox.take_all(&mut taken);
        assert_eq!(taken, [1, 3, 2]);
        assert_eq!(mailbox.len(), 0);
    }

    #[test]
    fn what_is_never_taken_is_dropped_with_the_mailbox() {
        let letter = Arc::new(());
        let mailbox = Mailbox::new(8);
        for _ in 0..5 {
            mailbox.put(Arc::clone(&letter)).expect("room");
        }
        assert_eq!(Arc::strong_count(&letter), 6);
        drop(mailbox);
        assert_eq!(Arc::strong_count(&letter), 1);
    }

    #[test]
    fn of_many_threads_each_letter_arrives_once_and_in_the_order_of_its_thread() {
        const THREADS: usize = 4;
        const LETTERS: usize = 20_000;
        let mailbox = Mailbox::new(64);
        let mut taken = VecDeque::new();
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let mailbox = &mailbox;
                scope.spawn(move || {
                    for number in 0..LETTERS {
                        let mut letter = (thread, number);
                        while let Err(back) = mailbox.put(letter) {
                            letter = back;
                            std::thread::yield_now();
                        }
                    }
                });
            }
            while taken.len() < THREADS * LETTERS {
                mailbox.take_all(&mut taken);
                std::thread::yield_now();
            }
        });
        for thread in 0..THREADS {
            let own = taken.iter().filter(|letter| letter.0 == thread);
            assert!(own.map(|letter| letter.1).eq(0..LETTERS));
        }
    }
}

#[cfg(all(test, feature = "loom"))]
mod loom_tests {
    use super::*;
    use loom::sync::Arc;
    use loom::thread;

    /// Run with `cargo test --features loom --lib loom_`.
    #[test]
    fn loom_a_letter_is_whole_when_it_is_taken_and_each_comes_once() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let mailbox = Arc::new(Mailbox::new(4));
            let threads = [1, 2].map(|thread: u32| {
                let mailbox = Arc::clone(&mailbox);
                thread::spawn(move || {
                    for number in 1..=2 {
                        let letter = Box::new(10 * thread + number);
                        assert!(mailbox.put(letter).is_ok(), "there is room for all");
                    }
                })
            });
            let mut taken = VecDeque::new();
            mailbox.take_all(&mut taken);
            for thread in threads {
                assert!(thread.join().is_ok());
            }
            mailbox.take_all(&mut taken);
            assert_eq!((mailbox.len(), mailbox.is_empty()), (0, true));
            for thread in [1, 2] {
                let own = taken.iter().filter(|letter| ***letter / 10 == thread);
                assert!(own.map(|letter| **letter % 10).eq([1, 2]));
            }
        });
    }
}
