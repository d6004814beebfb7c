//! A key file that is read again and again, so that a process learns of keys while it runs.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::store::{KeyFile, Keys, Store};

/// How often the key file is read.
const EVERY: Duration = Duration::from_secs(1);

/// How long reading it may take before that is told. It goes on all the same: there is no way to
/// break it off.
const LONG: Duration = Duration::from_secs(10);

/// What is told of the key file: what was done, or what is wrong and what to do.
pub(crate) type Tell = fn(Result<&str, &str>);

/// Reads the key file every second until it is ended.
pub(crate) struct KeyWatch(Option<JoinHandle<()>>);

impl KeyWatch {
    /// Begins to watch the key file of a configuration, if its keys are in one. Errors: there is no
    /// thread to read it.
    pub(crate) fn start(config: &Config, store: &Store, tell: Tell) -> std::io::Result<Self> {
        if config.key.is_some() {
            return Ok(Self(None));
        }
        let file = KeyFile::new(&config.key_file);
        let watch = Watch { path: config.key_file.display().to_string(), reader: Reader::start(move || file.read())?, tell };
        Ok(Self(Some(tokio::spawn(watch.run(store.clone())))))
    }

    /// Ends it, and waits for no disk.
    pub(crate) async fn end(self) {
        if let Some(task) = self.0 {
            task.abort();
            let _ = task.await;
        }
    }
}

type Answer = oneshot::Sender<Result<Keys, String>>;

/// A thread of its own that reads keys when asked: a disk on a network may hang, and what waits for
/// it must be neither a thread that gives answers nor one that the runtime waits for at its end.
struct Reader(mpsc::Sender<Answer>);

impl Reader {
    fn start(mut read: impl FnMut() -> Result<Keys, String> + Send + 'static) -> std::io::Result<Self> {
        let (asks, asked) = mpsc::channel::<Answer>();
        let work = move || {
            for answer in asked {
                // Nobody waits for it at the end.
                let _ = answer.send(read());
            }
        };
        thread::Builder::new().name("keyfob-key-file".to_owned()).spawn(work)?;
        Ok(Self(asks))
    }

    /// Reads the keys. `late` is called if that takes long.
    async fn read(&self, long: Duration, late: impl FnOnce()) -> Result<Keys, String> {
        let gone = |_| "it is not read any more; restart this process".to_owned();
        let (answer, mut read) = oneshot::channel();
        let _ = self.0.send(answer);
        if let Ok(read) = tokio::time::timeout(long, &mut read).await {
            return read.map_err(gone)?;
        }
        late();
        read.await.map_err(gone)?
    }
}

struct Watch {
    /// The path as it is shown.
    path: String,
    reader: Reader,
    tell: Tell,
}

impl Watch {
    /// Reads the file again and again. No stamp of it is compared: it may have changed before this
    /// began, or may be readable only now.
    async fn run(self, store: Store) {
        let mut told = None;
        loop {
            tokio::time::sleep(EVERY).await;
            let fault = self.look(&store).await.err();
            if let Some(error) = fault.as_ref().filter(|_| fault != told) {
                (self.tell)(Err(error));
            }
            told = fault;
        }
    }

    /// Reads the file once, and takes its keys. Keys of another store are not taken: what is sealed
    /// under them is lost to this one.
    async fn look(&self, store: &Store) -> Result<(), String> {
        let (path, keys) = (&self.path, store.keys());
        let late = || {
            let seconds = LONG.as_secs();
            (self.tell)(Err(&format!(
                "{path} is not read within {seconds} seconds; the keys stay as they were; does its disk answer?"
            )));
        };
        let stay = |error: String| format!("{error}; the keys stay as they were");
        let next = self.reader.read(LONG, late).await.map_err(stay)?;
        if next.are(&keys) {
            return Ok(());
        }
        let check = store.take_keys(&next).await.map_err(|error| stay(error.to_string()))?;
        if check.is_whole() {
            (self.tell)(Ok(&format!("the key file has changed: keys {keys:?}, the first of which seals")));
            return Ok(());
        }
        if check.is_of_store() {
            return Err(format!(
                "{path} {check}; keys {keys:?} are in the memory of this process, the first of which seals: put the missing lines back before it \
                 stops"
            ));
        }
        Err(stay(format!("{path} does not open what the store holds: it {check}")))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const KEY: &str = "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

    /// A reader whose disk hangs until this lets it go on.
    fn hanging() -> (Reader, mpsc::Sender<()>) {
        let (go_on, hangs) = mpsc::channel();
        let read = move || {
            let _ = hangs.recv();
            Keys::parse(KEY)
        };
        (Reader::start(read).unwrap(), go_on)
    }

    #[test]
    fn a_disk_that_hangs_is_told_once_and_holds_up_neither_others_nor_the_end() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (reader, go_on) = hanging();
        let late = AtomicU32::new(0);
        runtime.block_on(async {
            let read = reader.read(Duration::from_millis(20), || {
                late.fetch_add(1, Ordering::SeqCst);
            });
            let others = async {
                // On the same thread as the one that waits for the disk.
                tokio::time::sleep(Duration::from_millis(200)).await;
                assert_eq!(late.load(Ordering::SeqCst), 1);
                go_on.send(()).unwrap();
            };
            let (read, ()) = tokio::join!(read, others);
            assert_eq!(read.unwrap().ids(), [1]);
        });
        assert_eq!(late.into_inner(), 1);
        // The runtime waits for threads of its own at its end.
        let task = runtime.spawn(async move { reader.read(LONG, || ()).await.map(|_| ()) });
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
