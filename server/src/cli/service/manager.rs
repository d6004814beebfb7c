//! Messages to the service manager that started the process, as systemd's `Type=notify` expects
//! them (`sd_notify(3)`).

/// Says that the service answers requests.
pub(super) const READY: &str = "READY=1";
/// Says that the service has begun to stop.
pub(super) const STOPPING: &str = "STOPPING=1";

/// Tells the manager, if there is one that listens. A message that is lost stops no service.
pub(super) fn notify(message: &str) {
    #[cfg(target_os = "linux")]
    if let Some(Err(error)) = std::env::var_os("NOTIFY_SOCKET").map(|socket| send(&socket, message)) {
        tracing::warn!("NOTIFY_SOCKET: {error}; the service manager does not learn: {message}");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = message;
}

/// Sends a message to a socket, named by its path or, after an `@`, by its abstract name.
#[cfg(target_os = "linux")]
fn send(socket: &std::ffi::OsStr, message: &str) -> std::io::Result<()> {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    let address = match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(message.as_bytes(), &address).map(drop)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    use super::*;

    fn received(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 64];
        let len = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..len].to_vec()).unwrap()
    }

    #[test]
    fn manager_gets_messages_by_path_and_by_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let by_path = UnixDatagram::bind(&path).unwrap();
        send(path.as_os_str(), READY).unwrap();
        assert_eq!(received(&by_path), "READY=1");

        let name = format!("keyfob-test-{}", std::process::id());
        let abstract_one = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        send(format!("@{name}").as_ref(), STOPPING).unwrap();
        assert_eq!(received(&abstract_one), "STOPPING=1");
        drop(by_path);
        assert!(send(path.as_os_str(), READY).is_err());
    }
}
