//! Metrics of this process, from the operating system.

use std::sync::atomic::AtomicI64;

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Metrics of the process, under Prometheus's standard names.
#[derive(Clone, Default)]
pub(super) struct Process {
    memory: Gauge<i64, AtomicI64>,
    files: Gauge<i64, AtomicI64>,
}

impl Process {
    /// Registers what this system provides.
    pub(super) fn register(&self, registry: &mut Registry) {
        if cfg!(target_os = "linux") {
            registry.register("process_resident_memory_bytes", "Memory that is resident, in bytes", self.memory.clone());
            registry.register("process_open_fds", "Files and sockets that are open", self.files.clone());
        }
    }

    /// Reads the values. One that cannot be read stays as it was.
    pub(super) fn read(&self) {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        if let Some(kibibytes) = resident_kib(&status) {
            self.memory.set(kibibytes.saturating_mul(1024));
        }
        if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
            // Without the folder itself, which is open while it is read.
            self.files.set(i64::try_from(files.count()).unwrap_or(i64::MAX).saturating_sub(1));
        }
    }
}

/// The resident memory in KiB, as `/proc/self/status` has it.
fn resident_kib(status: &str) -> Option<i64> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    value.trim().strip_suffix("kB")?.trim().parse().ok()
}
