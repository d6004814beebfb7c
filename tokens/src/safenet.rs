//! SafeNet's (Aladdin's) XML: `Tokens` of `Token`, HOTP with a seed in hex.

use std::io::BufRead;

use keyfob::Algorithm;

use crate::reader::{Entry, located};
use crate::text::{decimal, some};
use crate::xml::{Element, Step, Xml};
use crate::{Error, ErrorKind, Kind, Location, SecretEncoding, Token};

#[derive(Debug)]
pub(crate) struct Reader<R> {
    xml: Xml<R>,
    entry: u64,
    has_root: bool,
    is_over: bool,
}

impl<R: BufRead> Reader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { xml: Xml::new(input), entry: 0, has_root: false, is_over: false }
    }

    fn step(&mut self) -> Result<Option<Entry>, Error> {
        match self.xml.next()? {
            Step::Open if !self.has_root => {
                let root = self.xml.opened();
                if !root.is("Tokens") {
                    let name = root.name().to_owned();
                    return Err(self.xml.fatal(ErrorKind::Root(name)));
                }
                self.has_root = true;
            }
            Step::Open if self.xml.opened().is("Token") => {
                self.entry = self.entry.saturating_add(1);
                let mut location = Location { line: Some(self.xml.line()), entry: Some(self.entry), serial: None };
                let element = self.xml.element()?;
                location.serial = element.attribute("serial").and_then(some);
                return Ok(Some(located(token(element), location)));
            }
            Step::Open => self.xml.skip()?,
            Step::Close => {}
            Step::End if !self.has_root => return Err(self.xml.fatal(ErrorKind::Truncated)),
            Step::End => self.is_over = true,
        }
        Ok(None)
    }
}

fn token(element: Element<'_>) -> Result<Token, ErrorKind> {
    let application = element.descendant("Application").ok_or(ErrorKind::Missing("the application"))?;
    let seed = application.child_text("Seed").ok_or(ErrorKind::Missing("the seed"))?;
    let mut token = Token::new(Kind::Hotp, SecretEncoding::Hex.read(seed)?);
    if token.secret.expose().len() == 32 {
        token.algorithm = Algorithm::Sha256;
    }
    token.serial = element.attribute("serial").and_then(some);
    token.model = element.child_text("ProductName").and_then(some);
    if let Some(counter) = application.child_text("MovingFactor") {
        token.counter = Some(decimal(counter, "the moving factor")?);
    }
    token.checked()
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Entry;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over {
            match self.step() {
                Ok(None) => {}
                Ok(some) => return some,
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}
