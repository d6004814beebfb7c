//! `keyfob import`: imports tokens of files into the store, or one into a state file.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use keyfob_scim::{Error, Settings};
use tokio::task::JoinHandle;

use super::configuration::configured;
use super::import_keys::{TransportKeys, sources};
use super::import_store::{ImportStore, Progress};
use super::open::read_keys;
use crate::cli::args::ImportArgs;
use crate::cli::clock::now;
use crate::cli::device::state;
use crate::cli::output::{self, note};
use crate::cli::result::Result;
use crate::config::Config;
use crate::file;
use crate::store::{NewToken, TokenOutcome, TokenPreview};
use crate::tokens::{IMPORT_ACTOR, Import, Rules, Target};

pub(crate) fn run(args: &ImportArgs) -> Result<ExitCode> {
    if args.files.iter().filter(|file| *file == Path::new("-")).count() > 1 {
        return Err("FILE: standard input is read once; give - once".into());
    }
    match &args.state {
        Some(path) => into_state_file(args, path),
        None => into_store(args),
    }
}

fn into_store(args: &ImportArgs) -> Result<ExitCode> {
    let config = configured(&args.config)?;
    let rules = Rules {
        settings: &config.settings,
        users: config.users.as_ref(),
        allows_short: args.allow_short_secrets,
        assigns_accounts: args.assign_accounts,
        now: now()?,
    };
    let preview = TokenPreview::open(&config.store, || read_keys(&config))?;
    let mut target =
        StoreTarget { config: &config, writes: args.write, now: rules.now, preview, store: None, pages: VecDeque::new() };
    let read = read_files(args, &rules, &mut target);
    if let Some(store) = target.store {
        store.close();
    }
    read
}

/// Imports all files, and prints the report.
fn read_files(args: &ImportArgs, rules: &Rules<'_>, target: &mut dyn Target) -> Result<ExitCode> {
    let progress = Progress::new("tokens");
    let mut keys = TransportKeys::read(args)?;
    let (mut print, mut add) = (|line: &str| progress.print(line), |tokens: usize| progress.add(tokens));
    let mut import = Import::new(rules, target, &mut print, &mut add);
    let (sources, format) = (sources(args), args.format());
    for source in &sources {
        import.add(source.open(format.as_ref(), &mut keys)?, sources.len() == 1)?;
    }
    progress.end();
    let report = import.into_report();
    output::print(report.summary(args.write).as_bytes())?;
    Ok(ExitCode::from(if report.is_cut { 2 } else { u8::from(!report.is_whole()) }))
}

/// The store of an import, or its preview.
struct StoreTarget<'c> {
    config: &'c Config,
    writes: bool,
    now: u64,
    preview: TokenPreview,
    /// Opened with the first page: files without a token that is taken make no store.
    store: Option<ImportStore>,
    pages: VecDeque<Page>,
}

impl Target for StoreTarget<'_> {
    fn outcome_by_secret(&mut self, token: &NewToken) -> std::result::Result<Option<TokenOutcome>, String> {
        self.preview.outcome_by_secret(token)
    }

    fn put(&mut self, tokens: Vec<NewToken>) -> std::result::Result<(), String> {
        if !self.writes {
            self.pages.push_back(Page::Previewed(self.preview.outcomes(&tokens)?));
            return Ok(());
        }
        if self.store.is_none() {
            let opened = ImportStore::open(self.config).map_err(|error| error.to_string())?;
            self.store = Some(opened);
        }
        if let Some(store) = &self.store {
            let ((runtime, store), now) = (store.parts(), self.now);
            let store = store.clone();
            self.pages.push_back(Page::Begun(runtime.spawn(async move { store.import_tokens(tokens, IMPORT_ACTOR, now).await })));
        }
        Ok(())
    }

    fn outcomes(&mut self) -> std::result::Result<Vec<TokenOutcome>, String> {
        match (self.pages.pop_front(), &self.store) {
            (Some(Page::Begun(task)), Some(store)) => {
                let (runtime, _) = store.parts();
                runtime.block_on(task).map_err(|error| error.to_string())?.map_err(|error| error.detail)
            }
            (Some(Page::Previewed(outcomes)), _) => Ok(outcomes),
            _ => Ok(Vec::new()),
        }
    }
}

/// A page of tokens whose outcomes were not asked for yet.
enum Page {
    Previewed(Vec<TokenOutcome>),
    Begun(JoinHandle<std::result::Result<Vec<TokenOutcome>, Error>>),
}

/// Makes a state file of the only token.
fn into_state_file(args: &ImportArgs, path: &Path) -> Result<ExitCode> {
    let settings = Settings::default();
    let rules =
        Rules { settings: &settings, users: None, allows_short: args.allow_short_secrets, assigns_accounts: false, now: now()? };
    let mut keys = TransportKeys::read(args)?;
    let (mut only, format) = (None, args.format());
    for source in sources(args) {
        let file = source.open(format.as_ref(), &mut keys)?;
        let name = file.name().to_owned();
        for token in file {
            let token = token.map_err(|error| format!("{name}: {error}"))?;
            if only.replace(token).is_some() {
                return Err(format!("{name}: holds several tokens; a state file holds one, and a store holds any number").into());
            }
        }
    }
    let token = only.ok_or("FILE: holds no token")?;
    let (device, remarks) = rules.device(&token)?;
    for remark in &remarks {
        note(remark);
    }
    if token.is_short() {
        note("the secret has fewer than 128 bits; RFC 4226 asks for 128 or more");
    }
    if args.write {
        state::create(path, &device)?;
        output::line(&format!("imported: {}: {}", path.display(), device.kind()))?;
    } else if path.exists() {
        return Err(file::not_created(path, &io::ErrorKind::AlreadyExists.into()).into());
    } else {
        output::line(&format!("would be taken: {}: {}", path.display(), device.kind()))?;
        output::line("Dry run: nothing was written. Add --write to do it.")?;
    }
    Ok(ExitCode::SUCCESS)
}
