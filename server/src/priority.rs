//! The priority of threads.

/// Long work on a processor. It gives way to requests that take microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// The hash of a password takes ten milliseconds. A client waits for its login, so it comes
    /// before searches.
    Hash,
    /// A search of all devices takes seconds.
    Scan,
}

/// Lowers the priority of this thread for such work.
#[cfg(target_os = "linux")]
pub(crate) fn give_way(work: Work) {
    use rustix::process::{getpriority_process, setpriority_process};

    let nicer = match work {
        Work::Hash => 5,
        Work::Scan => 10,
    };
    // Linux gives each thread a nice value of its own. If it refuses, the work competes with
    // requests.
    let thread = Some(rustix::thread::gettid());
    let _ = getpriority_process(thread).and_then(|nice| setpriority_process(thread, nice.saturating_add(nicer)));
}

/// Other systems lower the priority of whole processes only.
#[cfg(not(target_os = "linux"))]
pub(crate) fn give_way(_work: Work) {}
