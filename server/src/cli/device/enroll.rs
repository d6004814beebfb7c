//! `keyfob enroll`: a secret, its URI and QR code, and its state file.

use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;

use getrandom::SysRng;
use keyfob::{Algorithm, Device, Digits, Error, Factor, RecoveryCodes, Secret, Totp, UriText};
use serde_json::json;
use zeroize::Zeroizing;

use super::authenticator::{Authenticator, cautions};
use super::secret::ParsedSecret;
use super::{clock, input, qr, recovery, secret, state};
use crate::cli::args::EnrollArgs;
use crate::cli::output::{self, note};
use crate::cli::result::Result;
use crate::file::{self, Wiped};

pub(crate) fn run(mut args: EnrollArgs) -> Result<ExitCode> {
    if args.recovery {
        return make_recovery_codes(&args);
    }
    let device = authenticator(&mut args)?.into_device(clock::now(&args.clock)?);
    let period = if let Factor::Totp(totp) = device.factor() { Some(totp.period()) } else { None };
    for caution in device.digits().into_iter().flat_map(|digits| cautions(digits, period)) {
        note(&caution);
    }
    let issuer = args.issuer.as_deref().unwrap_or("keyfob");
    let user = std::env::var("USER").ok().filter(|user| !user.is_empty());
    let account = args.account.as_deref().or(user.as_deref()).unwrap_or("user");
    let uri = device.uri(issuer, account)?.to_text()?;

    // First everything that may be refused, then the files, then the output: a person must not scan
    // a secret that was not stored.
    let text = output_text(&device, &uri, issuer, account, &args)?;
    let image = args.png.as_deref().map(|path| qr::png(&uri).map(|image| (path, image))).transpose()?;
    let mut created = CreatedFiles(Vec::new());
    if let Some((path, image)) = &image {
        file::create(path, image)?;
        created.0.push(path);
    }
    if let Some(path) = &args.state {
        state::create(path, &device)?;
        created.0.push(path);
    } else {
        note("nothing was stored; give --state FILE to store the device for keyfob verify --state FILE");
    }
    output::print(&text)
        .map_err(|error| if created.0.is_empty() { error } else { format!("{error}; nothing was stored").into() })?;
    created.0.clear();
    Ok(ExitCode::SUCCESS)
}

/// Makes recovery codes, stores their device and prints them. Without an output no file is left.
fn make_recovery_codes(args: &EnrollArgs) -> Result<ExitCode> {
    let path = args.state.as_deref().ok_or("--recovery: needs --state FILE")?;
    let codes = RecoveryCodes::random(args.count.unwrap_or(RecoveryCodes::DEFAULT_COUNT), &mut SysRng)?;
    let text = recovery::output_text(&codes, args.json)?;
    state::create(path, &Device::recovery(codes, clock::now(&args.clock)?))?;
    let mut created = CreatedFiles(vec![path]);
    output::print(&text).map_err(|error| format!("{error}; nothing was stored"))?;
    created.0.clear();
    Ok(ExitCode::SUCCESS)
}

/// The files of this enrolment. Dropping it removes them: without its output an enrolment is void.
struct CreatedFiles<'p>(Vec<&'p Path>);

impl Drop for CreatedFiles<'_> {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

/// The authenticator to enroll, with a given or a random secret. The label of a URI fills options
/// that are not set.
fn authenticator(args: &mut EnrollArgs) -> Result<Authenticator> {
    let base = if let Some(path) = &args.secret_file {
        let text = input::read_secret(Some(path))?;
        let parsed = secret::parse(&text, args.hex, args.allow_short_secrets)?;
        if let ParsedSecret::Uri(uri) = &parsed {
            args.issuer.get_or_insert_with(|| without_colons("issuer", uri.issuer()));
            if uri.account() != *"" {
                args.account.get_or_insert_with(|| without_colons("account", uri.account()));
            }
        }
        Authenticator::from_parsed(parsed)?
    } else {
        let algorithm = args.parameters.algorithm.unwrap_or_default();
        Authenticator::Totp(Totp::new(Secret::random(algorithm, &mut SysRng)?))
    };
    let counter = match &base {
        Authenticator::Totp(_) if args.hotp => args.counter.or(Some(0)),
        _ => args.counter,
    };
    base.with_parameters(&args.parameters, None, counter)
}

/// A part of a URI's label without colons, which a new label must not have.
fn without_colons(part: &str, read: UriText<'_>) -> String {
    let read = read.to_string();
    if !read.contains(':') {
        return read;
    }
    let written = read.split(':').map(str::trim).filter(|piece| !piece.is_empty()).collect::<Vec<_>>().join(" ");
    note(&format!("{part}: written as \"{written}\", since a URI must have no colon there; give --{part} for another"));
    written
}

/// The output: a JSON object, or the URI and, unless it goes to a file, the QR code.
fn output_text(device: &Device, uri: &str, issuer: &str, account: &str, args: &EnrollArgs) -> Result<Wiped> {
    if args.json {
        let (secret, period, counter) = match device.factor() {
            Factor::Totp(totp) => (totp.secret(), Some(totp.period()), None),
            Factor::Hotp(hotp) => (hotp.secret(), None, Some(device.moving_factor())),
            _ => return Err(Error::WrongKind.into()),
        };
        return output::json_line(json!({
            "kind": device.kind().name(),
            "uri": uri,
            "secret": secret.to_base32().as_str(),
            "issuer": issuer,
            "account": account,
            "algorithm": device.algorithm().map(Algorithm::name),
            "digits": device.digits().map(Digits::get),
            "period": period,
            "counter": counter,
        }));
    }
    let mut drawing = Zeroizing::default();
    if args.png.is_none() {
        drawing = qr::draw(uri, io::stdout().is_terminal())?;
    }
    Ok(Zeroizing::new([uri, "\n", &drawing].concat().into_bytes()))
}
