//! A thread that reads a file on request. A disk on a network may hang. Neither a thread that
//! answers requests nor a thread that the runtime joins at its end may wait for it.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

/// After this time a read is reported as late. It goes on: a read cannot be broken off.
const LATE_TIMEOUT: Duration = Duration::from_secs(10);

type Reply<T> = oneshot::Sender<Result<T, String>>;

/// The thread that reads. It ends when this is dropped.
pub(super) struct Reader<T>(mpsc::Sender<Reply<T>>);

impl<T: Send + 'static> Reader<T> {
    /// Starts the thread under this name. Errors: it cannot be started.
    pub(super) fn start(name: &str, mut read: impl FnMut() -> Result<T, String> + Send + 'static) -> std::io::Result<Self> {
        let (requests, received) = mpsc::channel::<Reply<T>>();
        let work = move || {
            for reply in received {
                // At the end of the process no receiver is left.
                let _ = reply.send(read());
            }
        };
        thread::Builder::new().name(name.to_owned()).spawn(work)?;
        Ok(Self(requests))
    }

    /// Reads the file. Calls `late` with the seconds gone by, if reading takes long.
    pub(super) async fn read(&self, late: impl FnOnce(u64)) -> Result<T, String> {
        self.read_within(LATE_TIMEOUT, late).await
    }

    async fn read_within(&self, timeout: Duration, late: impl FnOnce(u64)) -> Result<T, String> {
        let gone = |_| "it is not read any more; restart this process".to_owned();
        let (reply, mut read) = oneshot::channel();
        let _ = self.0.send(reply);
        if let Ok(read) = tokio::time::timeout(timeout, &mut read).await {
            return read.map_err(gone)?;
        }
        late(timeout.as_secs());
        read.await.map_err(gone)?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn hanging_disk_is_reported_once_and_holds_up_neither_other_tasks_nor_the_end() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // A reader whose disk hangs until this channel lets it go on.
        let (go_on, hangs) = mpsc::channel();
        let hanging = move || {
            let _ = hangs.recv();
            Ok(7)
        };
        let reader = Reader::start("hanging", hanging).unwrap();
        let late = AtomicU32::new(0);
        runtime.block_on(async {
            let read = reader.read_within(Duration::from_millis(20), |_| {
                late.fetch_add(1, Ordering::SeqCst);
            });
            let others = async {
                // On the same thread as the task that waits for the disk.
                tokio::time::sleep(Duration::from_millis(200)).await;
                assert_eq!(late.load(Ordering::SeqCst), 1);
                go_on.send(()).unwrap();
            };
            let (read, ()) = tokio::join!(read, others);
            assert_eq!(read, Ok(7));
        });
        assert_eq!(late.into_inner(), 1);
        // The runtime joins its own threads at its end.
        let task = runtime.spawn(async move { reader.read(|_| ()).await });
        runtime.block_on(tokio::task::yield_now());
        let (ended, end) = mpsc::channel();
        thread::spawn(move || {
            task.abort();
            drop(runtime);
            ended.send(()).unwrap();
        });
        end.recv_timeout(Duration::from_secs(60)).expect("it ends although the disk hangs");
        drop(go_on);
    }
}
