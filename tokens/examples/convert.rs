//! Converts a token file: `convert FORMAT [KEY] < FILE`, where FORMAT is `pskc`, `oath`, `entra`,
//! `uris`, `migration` or `codes` (the code of each token at a time of 2,000,000,000 or at its
//! counter). KEY is a pre-shared key in hex or a password. It decrypts, and protects what is
//! written as PSKC.

use std::io::{self, BufRead, BufReader, Write};
use std::process::ExitCode;

use data_encoding::HEXLOWER_PERMISSIVE;
use keyfob::Factor;
use keyfob_tokens::{
    EntraWriter, Error, Format, Keys, OathCsvWriter, PskcProtection, PskcSuite, PskcWriter, Token, UriWriter, read, write_migration,
};

/// Prints the code of a token.
fn put_code(token: &Token, output: &mut impl Write) -> io::Result<()> {
    let code = match token.factor() {
        Ok(Factor::Totp(totp)) => totp.generate(2_000_000_000),
        Ok(Factor::Hotp(hotp)) => Ok(hotp.generate(token.counter.unwrap_or(0))),
        Ok(_) => Err(keyfob::Error::WrongKind),
        Err(error) => Err(error),
    };
    let name = token.serial.as_deref().or(token.account.as_deref()).unwrap_or("-");
    match code {
        Ok(code) => writeln!(output, "{name} {}", code.as_str()),
        Err(error) => writeln!(output, "{name} {error}"),
    }
}

fn run(format: &str, key: &str) -> Result<(), Box<dyn std::error::Error>> {
    let bytes = HEXLOWER_PERMISSIVE.decode(key.as_bytes()).ok().filter(|bytes| bytes.len() >= 16);
    let array: Option<[u8; 32]> = bytes.as_deref().and_then(|bytes| bytes.try_into().ok());
    let protection = match (&array, key) {
        (Some(key), _) => PskcProtection::Key(key),
        (None, "") => PskcProtection::Plain,
        (None, password) => PskcProtection::Password { password, iterations: 600_000 },
    };
    let keys = Keys::new().with_password(key);
    let keys = bytes.iter().fold(keys, |keys, bytes| keys.with_key(bytes));
    let mut input = BufReader::new(io::stdin().lock());
    let detected = Format::detect(input.fill_buf()?).ok_or("the format is not known")?;
    let mut tokens = read(detected, input, &keys).filter_map(|entry| entry.map_err(|error| eprintln!("{error}")).ok());
    let mut output = io::BufWriter::new(io::stdout().lock());
    let rng = getrandom::SysRng;
    match format {
        "pskc" => {
            let mut writer = PskcWriter::new(output, protection, PskcSuite::Hmac, rng)?;
            tokens.try_for_each(|token| writer.write(&token))?;
            writer.finish()?.flush()?;
        }
        "oath" => {
            let mut writer = OathCsvWriter::new(output);
            tokens.try_for_each(|token| writer.write(&token))?;
            writer.finish()?.flush()?;
        }
        "entra" => {
            let mut writer = EntraWriter::new(output);
            tokens.try_for_each(|token| writer.write(&token))?;
            writer.finish()?.flush()?;
        }
        "uris" => {
            let mut writer = UriWriter::new(output);
            tokens.try_for_each(|token| writer.write(&token))?;
            writer.finish()?.flush()?;
        }
        "migration" => {
            let tokens: Vec<_> = tokens.collect();
            for uri in write_migration(&tokens, &mut { rng }).map_err(Box::<Error>::new)? {
                writeln!(output, "{}", *uri)?;
            }
        }
        "codes" => tokens.try_for_each(|token| put_code(&token, &mut output))?,
        _ => return Err("FORMAT is pskc, oath, entra, uris, migration or codes".into()),
    }
    Ok(())
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (format, key) = (arguments.next().unwrap_or_default(), arguments.next().unwrap_or_default());
    match run(&format, &key) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
