//! Decoding on several threads, delivered in order.

use std::io;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::ingest::fact::Decoded;
use crate::ingest::records::lines::{Block, ReadBuffers};
use crate::ingest::source::Source;

/// Threads that read and decode.
const THREADS: usize = 2;
/// Blocks in flight: enough that no thread waits, few enough that memory stays small.
const IN_FLIGHT: usize = 6;

struct Job {
    source: Arc<Source>,
    block: Block,
    /// Memory to use again.
    spare: Decoded,
    answer: mpsc::Sender<io::Result<Decoded>>,
}

/// The decoding threads. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Decoders {
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    spare: Vec<Decoded>,
}

impl Decoders {
    pub(super) fn start() -> io::Result<Decoders> {
        let (jobs, queue) = bounded::<Job>(IN_FLIGHT);
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
            spare: Vec::new(),
        })
    }

    /// Decodes the blocks of a source and passes them to `each` in order, until it returns an error.
    pub(super) fn run<E>(
        &mut self,
        source: &Arc<Source>,
        mut blocks: impl Iterator<Item = Block>,
        mut each: impl FnMut(io::Result<&Decoded>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut in_flight = std::collections::VecDeque::with_capacity(IN_FLIGHT);
        loop {
            while in_flight.len() < IN_FLIGHT {
                let Some(block) = blocks.next() else { break };
                let (answer, answered) = mpsc::channel();
                let spare = self.spare.pop().unwrap_or_default();
                let job = Job {
                    source: Arc::clone(source),
                    block,
                    spare,
                    answer,
                };
                if self
                    .jobs
                    .as_ref()
                    .is_none_or(|jobs| jobs.send(job).is_err())
                {
                    break;
                }
                in_flight.push_back(answered);
            }
            let Some(next) = in_flight.pop_front() else {
                return Ok(());
            };
            match next.recv() {
                Ok(Ok(decoded)) => {
                    each(Ok(&decoded))?;
                    self.spare.push(decoded);
                }
                Ok(Err(error)) => each(Err(error))?,
                // The thread ended before it answered.
                Err(_) => each(Err(io::Error::other("decoding this block failed")))?,
            }
        }
    }
}

impl Drop for Decoders {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A panic was reported as a failed block already.
            let _ = thread.join();
        }
    }
}

fn work(queue: &Receiver<Job>) {
    let mut buffers = ReadBuffers::default();
    for job in queue {
        let Job {
            source,
            block,
            spare,
            answer,
        } = job;
        // A panic in a decoder must not keep other blocks from being loaded.
        let decoded = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            buffers.read(&source.bytes, source.format, block, spare)
        }));
        let decoded =
            decoded.unwrap_or_else(|_| Err(io::Error::other("decoding this block failed")));
        // The receiver is gone if loading was stopped.
        let _ = answer.send(decoded);
    }
}
