//! Decoding on several threads, delivered in order.

use std::io;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::ingest::Source;
use crate::ingest::fact::Decoded;
use crate::ingest::records::lines::{Block, Desk};

/// Threads that read and decode.
const THREADS: usize = 2;
/// Blocks under way: enough that no thread waits, few enough that memory stays small.
const UNDER_WAY: usize = 6;

struct Job {
    source: Arc<Source>,
    block: Block,
    used: Decoded,
    answer: mpsc::Sender<io::Result<Decoded>>,
}

/// The decoding threads. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Decoders {
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    used: Vec<Decoded>,
}

impl Decoders {
    pub(super) fn start() -> io::Result<Decoders> {
        let (jobs, queue) = bounded::<Job>(UNDER_WAY);
        let threads = (0..THREADS)
            .map(|number| {
                let queue = queue.clone();
                thread::Builder::new()
                    .name(format!("decode-{number}"))
                    .spawn(move || work(&queue))
            })
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Decoders {
            jobs: Some(jobs),
            threads,
            used: Vec::new(),
        })
    }

    /// Decodes the blocks of a source and gives them to `each` in order, until it says stop.
    pub(super) fn run<E>(
        &mut self,
        source: &Arc<Source>,
        mut blocks: impl Iterator<Item = Block>,
        mut each: impl FnMut(io::Result<&Decoded>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut under_way = std::collections::VecDeque::with_capacity(UNDER_WAY);
        loop {
            while under_way.len() < UNDER_WAY {
                let Some(block) = blocks.next() else { break };
                let (answer, answered) = mpsc::channel();
                let used = self.used.pop().unwrap_or_default();
                let job = Job {
                    source: Arc::clone(source),
                    block,
                    used,
                    answer,
                };
                if self
                    .jobs
                    .as_ref()
                    .is_none_or(|jobs| jobs.send(job).is_err())
                {
                    break;
                }
                under_way.push_back(answered);
            }
            let Some(next) = under_way.pop_front() else {
                return Ok(());
            };
            match next.recv() {
                Ok(Ok(decoded)) => {
                    each(Ok(&decoded))?;
                    self.used.push(decoded);
                }
                Ok(Err(error)) => each(Err(error))?,
                // The thread is gone: it panicked on this block.
                Err(_) => each(Err(io::Error::other("decoding this block failed")))?,
            }
        }
    }
}

impl Drop for Decoders {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A panic was already reported as a failed block.
            let _ = thread.join();
        }
    }
}

fn work(queue: &Receiver<Job>) {
    let mut desk = Desk::default();
    for job in queue {
        let Job {
            source,
            block,
            used,
            answer,
        } = job;
        // A panic in a decoder must not end the loading of other blocks.
        let decoded = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            desk.read(&source.bytes, source.format, block, used)
        }));
        let decoded =
            decoded.unwrap_or_else(|_| Err(io::Error::other("decoding this block failed")));
        // Nobody waits when the loading was given up.
        let _ = answer.send(decoded);
    }
}
