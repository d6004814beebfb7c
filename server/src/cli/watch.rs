//! Files that are read again and again, so that a process takes over what changed while it runs.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// How often files are read.
const EVERY: Duration = Duration::from_secs(1);

/// How long reading them may take before that is told. It goes on all the same: there is no way to
/// break it off.
const LONG: Duration = Duration::from_secs(10);

/// What is told of files: what was done, or what is wrong and what to do.
pub(crate) type Tell = fn(Result<&str, &str>);

/// Changes when the files are to be read at once. Its sender may be gone.
pub(crate) type Asked = watch::Receiver<()>;

/// Files that are watched.
pub(crate) trait Look: Send + 'static {
    /// Reads them once, and takes over what changed. Errors: what is wrong and what to do.
    fn look(&mut self) -> impl Future<Output = Result<(), String>> + Send;
}

/// Reads files every second until it is ended.
pub(crate) struct Watch(JoinHandle<()>);

impl Watch {
    /// Begins to watch files. An error is told once, until another one or none follows. Must be
    /// called in a Tokio runtime with time.
    pub(crate) fn start(files: impl Look, tell: Tell, asked: Asked) -> Self {
        Self(tokio::spawn(watch_every(EVERY, files, tell, asked)))
    }

    /// Ends it, and waits for no disk.
    pub(crate) async fn end(self) {
        self.0.abort();
        let _ = self.0.await;
    }
}

/// No stamp of a file is compared: it may have changed before this began, or may be readable only
/// now.
async fn watch_every(pause: Duration, mut files: impl Look, tell: Tell, mut asked: Asked) {
    let mut told = None;
    loop {
        let at_once = async {
            if asked.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = at_once => {}
        }
        let fault = files.look().await.err();
        if let Some(error) = fault.as_ref().filter(|_| fault != told) {
            tell(Err(error));
        }
        told = fault;
    }
}

type Answer<T> = oneshot::Sender<Result<T, String>>;

/// A thread of its own that reads files when asked: a disk on a network may hang, and what waits
/// for it must be neither a thread that gives answers nor one that the runtime waits for at its
/// end.
pub(crate) struct Reader<T>(mpsc::Sender<Answer<T>>);

impl<T: Send + 'static> Reader<T> {
    /// Errors: there is no thread.
    pub(crate) fn start(name: &str, mut read: impl FnMut() -> Result<T, String> + Send + 'static) -> std::io::Result<Self> {
        let (asks, asked) = mpsc::channel::<Answer<T>>();
        let work = move || {
            for answer in asked {
                // Nobody waits for it at the end.
                let _ = answer.send(read());
            }
        };
        thread::Builder::new().name(name.to_owned()).spawn(work)?;
        Ok(Self(asks))
    }

    /// Reads the files. `late` is called, with the seconds, if that takes long.
    pub(crate) async fn read(&self, late: impl FnOnce(u64)) -> Result<T, String> {
        self.read_within(LONG, late).await
    }

    async fn read_within(&self, long: Duration, late: impl FnOnce(u64)) -> Result<T, String> {
        let gone = |_| "it is not read any more; restart this process".to_owned();
        let (answer, mut read) = oneshot::channel();
        let _ = self.0.send(answer);
        if let Ok(read) = tokio::time::timeout(long, &mut read).await {
            return read.map_err(gone)?;
        }
        late(long.as_secs());
        read.await.map_err(gone)?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn a_disk_that_hangs_is_told_once_and_holds_up_neither_others_nor_the_end() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // A reader whose disk hangs until this lets it go on.
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
                // On the same thread as the one that waits for the disk.
                tokio::time::sleep(Duration::from_millis(200)).await;
                assert_eq!(late.load(Ordering::SeqCst), 1);
                go_on.send(()).unwrap();
            };
            let (read, ()) = tokio::join!(read, others);
            assert_eq!(read, Ok(7));
        });
        assert_eq!(late.into_inner(), 1);
        // The runtime waits for threads of its own at its end.
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

    struct Counted(watch::Sender<u32>);

    impl Look for Counted {
        async fn look(&mut self) -> Result<(), String> {
            self.0.send_modify(|looks| *looks += 1);
            Ok(())
        }
    }

    #[tokio::test]
    async fn files_are_read_at_once_when_that_is_asked_for() {
        let (ask, asked) = watch::channel(());
        let (count, mut looks) = watch::channel(0);
        let watching = tokio::spawn(watch_every(Duration::from_secs(3600), Counted(count), |_| (), asked));
        for wanted in 1..=3 {
            ask.send_replace(());
            let looked = tokio::time::timeout(Duration::from_secs(60), looks.wait_for(|looks| *looks == wanted)).await;
            looked.expect("it looks at once").unwrap();
        }
        watching.abort();
    }
}
