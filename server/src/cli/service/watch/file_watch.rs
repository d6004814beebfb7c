//! Files that are read once a second: the process takes over their changes while it runs.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How often files are read.
const READ_INTERVAL: Duration = Duration::from_secs(1);

/// Reports a change that was taken over, or what is wrong and what to do.
pub(crate) type Report = fn(Result<&str, &str>);

/// Changes when the files are to be read at once. Its sender may be gone.
pub(crate) type ReadRequests = watch::Receiver<()>;

/// Files to watch.
pub(super) trait WatchedFiles: Send + 'static {
    /// Reads them once, and takes over what changed. Errors: what is wrong and what to do.
    fn read(&mut self) -> impl Future<Output = Result<(), String>> + Send;
}

/// A task that reads files every second until it is ended.
pub(crate) struct FileWatch(JoinHandle<()>);

impl FileWatch {
    /// Starts to watch files. An error is reported once, until another one or none follows. Must be
    /// called in a Tokio runtime with time.
    pub(super) fn start(files: impl WatchedFiles, report: Report, requests: ReadRequests) -> Self {
        Self(tokio::spawn(read_every(READ_INTERVAL, files, report, requests)))
    }

    /// Ends the watch. It does not wait for a disk.
    pub(crate) async fn end(self) {
        self.0.abort();
        let _ = self.0.await;
    }
}

/// Compares no time stamps: a file may have changed before the watch began, or may have become
/// readable only now.
async fn read_every(interval: Duration, mut files: impl WatchedFiles, report: Report, mut requests: ReadRequests) {
    let mut reported = None;
    loop {
        let requested = async {
            if requests.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            () = requested => {}
        }
        let problem = files.read().await.err();
        if let Some(problem) = problem.as_ref().filter(|_| problem != reported) {
            report(Err(problem));
        }
        reported = problem;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counted(watch::Sender<u32>);

    impl WatchedFiles for Counted {
        async fn read(&mut self) -> Result<(), String> {
            self.0.send_modify(|reads| *reads += 1);
            Ok(())
        }
    }

    #[tokio::test]
    async fn files_are_read_at_once_on_request() {
        let (request, requests) = watch::channel(());
        let (count, mut reads) = watch::channel(0);
        let watching = tokio::spawn(read_every(Duration::from_secs(3600), Counted(count), |_| (), requests));
        for wanted in 1..=3 {
            request.send_replace(());
            let read = tokio::time::timeout(Duration::from_secs(60), reads.wait_for(|reads| *reads == wanted)).await;
            read.expect("it reads at once").unwrap();
        }
        watching.abort();
    }
}
