//! Reads a PSKC file key by key.

use std::io::BufRead;

use crate::pskc::container::{Container, is_fatal};
use crate::pskc::key::{Device, INFO, serial, token};
use crate::reader::{Entry, located};
use crate::xml::{Step, Xml};
use crate::{Error, ErrorKind, Keys, Location};

#[derive(Debug)]
enum State {
    Start,
    Container,
    /// In a package: its device, and whether a key was seen.
    Package {
        device: Device,
        has_keys: bool,
    },
    End,
}

#[derive(Debug)]
pub(crate) struct Reader<R> {
    xml: Xml<R>,
    container: Container,
    state: State,
    entry: u64,
}

impl<R: BufRead> Reader<R> {
    pub(crate) fn new(input: R, keys: &Keys) -> Self {
        Self { xml: Xml::new(input), container: Container::new(keys), state: State::Start, entry: 0 }
    }

    /// The root: its name and its version.
    fn start(&mut self) -> Result<(), Error> {
        if self.xml.next()? == Step::End {
            return Err(self.xml.fatal(ErrorKind::Truncated));
        }
        let root = self.xml.opened();
        let is_draft = root.is("SecretContainer");
        if !is_draft && !root.is("KeyContainer") {
            let name = root.name().to_owned();
            return Err(self.xml.fatal(ErrorKind::Root(name)));
        }
        let version = root.attribute("Version").unwrap_or("1.0");
        if !is_draft && !matches!(version, "1" | "1.0") {
            let version = version.to_owned();
            return Err(self.xml.fatal(ErrorKind::Version(version)));
        }
        self.state = State::Container;
        Ok(())
    }

    fn step(&mut self) -> Result<Option<Entry>, Error> {
        match &self.state {
            State::Start => self.start()?,
            State::End => {}
            State::Container => match self.xml.next()? {
                Step::Open if self.xml.opened().is("KeyPackage") || self.xml.opened().is("Device") => {
                    self.state = State::Package { device: Device::default(), has_keys: false };
                }
                Step::Open if is_setting(self.xml.opened().name()) => {
                    let element = self.xml.element()?;
                    let set = self.container.set(element);
                    set.map_err(|kind| self.xml.fatal(kind))?;
                }
                Step::Open => self.xml.skip()?,
                Step::Close => {}
                Step::End => self.state = State::End,
            },
            State::Package { .. } => return self.package(),
        }
        Ok(None)
    }

    /// A child of a package.
    fn package(&mut self) -> Result<Option<Entry>, Error> {
        if self.xml.next()? != Step::Open {
            self.state = State::Container;
            return Ok(None);
        }
        let State::Package { device, has_keys } = &mut self.state else { return Ok(None) };
        let opened = self.xml.opened();
        let is_device = opened.is("DeviceInfo") || opened.is("DeviceId");
        if !is_device && !opened.is("Key") && !opened.is("Secret") {
            self.xml.skip()?;
            return Ok(None);
        }
        let mut location = Location { line: Some(self.xml.line()), ..Location::default() };
        let element = self.xml.element()?;
        if is_device {
            // Keys that were given out already would lack it.
            let late = has_keys.then(|| Err(Error::new(ErrorKind::Order(INFO), location)));
            *device = if late.is_some() { Device::late() } else { Device::new(element) };
            return Ok(late);
        }
        *has_keys = true;
        self.entry = self.entry.saturating_add(1);
        location.entry = Some(self.entry);
        location.serial = serial(device, element);
        let read = token(element, device, &mut self.container);
        match read {
            Err(kind) if is_fatal(&kind) => Err(Error::fatal(kind, location)),
            read => Ok(Some(located(read, location))),
        }
    }
}

/// What of a container counts, beside its packages.
fn is_setting(name: &str) -> bool {
    ["EncryptionKey", "EncryptionMethod", "MACMethod", "DigestMethod", "MACAlgorithm"]
        .iter()
        .any(|setting| setting.eq_ignore_ascii_case(name))
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Entry;

    fn next(&mut self) -> Option<Self::Item> {
        while !matches!(self.state, State::End) {
            match self.step() {
                Ok(None) => {}
                Ok(some) => return some,
                Err(error) => {
                    self.state = State::End;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}
