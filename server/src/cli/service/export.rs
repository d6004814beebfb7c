//! `keyfob export`: secrets of the store, or of a state file, into a token file.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;

use indicatif::ProgressBar;
use keyfob_scim::{Attribute, Filter, Op};
use keyfob_tokens::{PskcSuite, Token};

use super::configuration::configured_store;
use super::open::open;
use super::stop::Hangups;
use super::watch::{note_key_file, watch_key_file};
use crate::cli::args::{ExportArgs, Suite};
use crate::cli::clock::now;
use crate::cli::device::token_of_state;
use crate::cli::export_protection::protection;
use crate::cli::output::{self, note};
use crate::cli::result::Result;
use crate::config::Config;
use crate::tokens::{Encoder, ExportFormat, ExportOutput, Exported, Selection, export};

pub(crate) fn run(args: &ExportArgs) -> Result<ExitCode> {
    if args.qr_folder.is_some() && !args.format.has_images() {
        return Err("--qr-folder: is for --format uris and migration; leave it out, or give one of them".into());
    }
    let is_printed = args.output.as_deref() == Some(Path::new("-"));
    if is_printed && io::stdout().is_terminal() && !args.allow_terminal {
        return Err(
            "--output -: standard output is a terminal, which would show the secrets; give --output FILE, or --allow-terminal"
                .into(),
        );
    }
    // First everything that may be refused, so that no password is typed in vain.
    let source = match &args.state {
        Some(path) => Source::State(Box::new(token_of_state(path, args)?)),
        None => Source::Store { filter: filter(args)?, config: Box::new(configured_store(&args.config)?) },
    };
    ExportOutput::check(args.output.as_deref(), args.qr_folder.as_deref())?;
    let protection = protection(args)?;
    let suite = match args.suite {
        Suite::Hmac => PskcSuite::Hmac,
        Suite::Bare => PskcSuite::Bare,
    };
    let (encoder, head) = Encoder::new(args.format, &protection, suite, args.qr_folder.is_some())?;
    let begin = || -> Result<ExportOutput> {
        let mut output = ExportOutput::new(args.output.as_deref(), args.qr_folder.as_deref())?;
        output.write(&head, "")?;
        Ok(output)
    };
    let mut is_whole = true;
    match source {
        Source::State(token) => write_token(*token, encoder, begin()?)?,
        Source::Store { filter, config } => {
            let (exported, output) = from_store(args, filter, &config, encoder, begin)?;
            report(&exported.summary(), is_printed)?;
            if exported.all() == 0 {
                report("nothing is exported, and no file is left", is_printed)?;
                return Ok(ExitCode::from(1));
            }
            output.keep()?;
            is_whole = exported.left_out == 0;
        }
    }
    if args.plain || args.format != ExportFormat::Pskc {
        note(
            "the secrets are in the clear: anyone who reads the file has the codes of these devices; delete it once they are where they belong",
        );
    }
    Ok(ExitCode::from(u8::from(!is_whole)))
}

/// What is exported.
enum Source {
    State(Box<Token>),
    Store { filter: Filter, config: Box<Config> },
}

fn filter(args: &ExportArgs) -> Result<Filter> {
    match (args.device, &args.filter) {
        (Some(id), _) => Ok(Filter::Number(Attribute::Id, Op::Eq, id)),
        (None, Some(text)) => Ok(Filter::parse(text).map_err(|error| error.detail)?),
        (None, None) => Ok(Filter::ALL),
    }
}

fn write_token(token: Token, mut encoder: Encoder, mut output: ExportOutput) -> Result<()> {
    let mut pieces = vec![encoder.encode(token)?];
    pieces.append(&mut encoder.finish()?);
    for piece in &pieces {
        output.write(piece, "1.png")?;
    }
    Ok(output.keep()?)
}

/// Prints a line of the report: not between the tokens if those are printed.
fn report(line: &str, is_printed: bool) -> std::result::Result<(), String> {
    if is_printed {
        note(line);
        return Ok(());
    }
    output::line(line).map_err(|error| error.to_string())
}

/// Exports from a store. Signals are handled before `begin` makes a file.
fn from_store(
    args: &ExportArgs,
    filter: Filter,
    config: &Config,
    encoder: Encoder,
    begin: impl FnOnce() -> Result<ExportOutput>,
) -> Result<(Exported, ExportOutput)> {
    let selection = Selection {
        filter,
        includes_unusable: args.include_unusable,
        format: args.format,
        issuer: &config.settings.issuer,
        now: now()?,
    };
    let is_printed = args.output.as_deref() == Some(Path::new("-"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (store, _) = open(config).await?;
        let (request, requests) = tokio::sync::watch::channel(());
        let stop = Hangups::handle()?.until_stop(request)?;
        let watching = watch_key_file(config, &store, note_key_file, requests)?;
        let mut output = begin()?;
        // Drawn on a terminal only.
        let bar = ProgressBar::new_spinner();
        let mut print = |line: &str| bar.suspend(|| report(line, is_printed));
        let mut progress = |devices: usize| {
            bar.inc(u64::try_from(devices).unwrap_or_default());
            bar.set_message(format!("{} devices", bar.position()));
        };
        let exported = tokio::select! {
            exported = export(&store, &selection, encoder, &mut output, &mut print, &mut progress) => exported,
            () = stop => Err("it was stopped; no file is left".to_owned()),
        };
        bar.finish_and_clear();
        if let Some(watching) = watching {
            watching.end().await;
        }
        store.close();
        Ok((exported?, output))
    })
}
