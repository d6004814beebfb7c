//! `keyfob serve`: from the configuration to the end of the service.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use getrandom::SysRng;
use keyfob_scim::Service;
use tokio::sync::watch;

use super::greeting::Greeting;
use super::startup::{self, Checked, Listeners};
use super::stop::Hangups;
use super::watch::Watches;
use super::{configuration, first_account, manager, open};
use crate::cli::args::ServeArgs;
use crate::cli::output::{self, note};
use crate::cli::result::Result;
use crate::config::LogFormat;
use crate::http::{self, Accounts, App, Certificate, Limits, Metrics, Requests};
use crate::signals::{Signals, give_up_unfetched, push_signals};

pub(crate) fn run(args: ServeArgs) -> Result<ExitCode> {
    let mut config = args.config;
    config.set.extend(
        [("listen", args.listen), ("profile", args.profile)].into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))),
    );
    let checked = match startup::check(&config) {
        Ok(checked) => checked,
        Err(problems) => {
            for problem in &problems {
                note(&problem.to_string());
            }
            return Ok(ExitCode::from(2));
        }
    };
    if args.check {
        let config = checked.config;
        let warnings = configuration::link_warning(&config).into_iter().chain(startup::unfilled_templates(&config));
        warnings.chain(startup::region_warning(&config)).for_each(|warning| note(&warning));
        output::line("The configuration is valid.")?;
        return Ok(ExitCode::SUCCESS);
    }
    startup::start_log(&checked.config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let format = checked.config.log_format;
    match runtime.block_on(serve(checked)) {
        // In the form of the log, whatever its filter is.
        Err(error) if format == LogFormat::Json => {
            let line = output::json_line(output::log_event("ERROR", &error.to_string()))?;
            let _ = io::stderr().write_all(&line);
            Ok(ExitCode::from(2))
        }
        served => served.map(|()| ExitCode::SUCCESS),
    }
}

async fn serve(checked: Checked) -> Result<()> {
    let Checked { mut config, delivery, signals } = checked;
    let hangups = Hangups::handle()?;
    let certificate = config.tls.as_ref().map(Certificate::read).transpose()?;
    // Before any file is made: a start that cannot serve leaves none behind.
    let listeners = Listeners::bind(&mut config)?;
    let is_new_store = config.store.file().is_some_and(|file| std::fs::metadata(file).map_or(0, |found| found.len()) == 0);
    let signals = signals.map(|rules| Signals::open(rules, &config.signals.keys_file)).transpose()?;
    let (signals, is_new_signing_key) = signals.map_or((None, false), |(signals, is_new)| (Some(Arc::new(signals)), is_new));
    let (store, is_new_key) = open::open(&config).await?;
    startup::warn(&config);
    if let Some(signals) = &signals {
        startup::warn_of_unknown_accounts(&signals.rules.receivers, &store).await;
    }
    // A reader of the greeting may stop the service at once.
    let (request, read_requests) = watch::channel(());
    let stop_signal = hangups.until_stop(request)?;
    let is_durable = store.is_durable().await?;
    let limits = Limits::new(config.max_connections_per_address, config.database.connections);
    // Last of all: its password is shown once, and nothing may fail after that.
    let password = first_account::make(&config, &store).await?;
    Greeting {
        config: &config,
        delivery: &delivery,
        signals: signals.as_deref(),
        is_new_store,
        is_new_key,
        is_new_signing_key,
        is_durable,
        password: password.as_ref(),
    }
    .print()?;
    drop(password);

    let (watches, tls) = Watches::start(&config, &store, signals.as_deref(), certificate, read_requests)?;
    let requests = Requests::default();
    let (stop, stopped) = watch::channel(false);
    let mut sending = signals.as_ref().map(|signals| push_signals(signals, config.users.as_ref(), &store, &stopped)).transpose()?;
    if let (Some(tasks), Some(signals)) = (&mut sending, &signals) {
        tasks.spawn(give_up_unfetched(Arc::clone(signals), store.clone(), stopped.clone()));
    }
    let app = Arc::new(App {
        service: Service::new(config.settings.clone(), SysRng),
        store: store.clone(),
        metrics: Metrics::new(&store, delivery.attempts(), signals.as_ref().map(|signals| signals.metrics.clone())),
        delivery,
        accounts: Accounts::new(config.admin_password.as_deref().map(String::as_str), config.password_max_pause)?,
        requests: requests.clone(),
        stop: stopped.clone(),
        signals,
        config,
    });
    let care = tokio::spawn({
        let (store, stopped) = (store.clone(), stopped.clone());
        async move {
            tokio::join!(
                store.keep_texts_indexed(stopped.clone()),
                store.keep_counters_few(stopped.clone()),
                store.keep_outbox(stopped)
            )
        }
    });
    tokio::spawn(async move {
        stop_signal.await;
        tracing::info!("stopping");
        manager::notify(manager::STOPPING);
        let _ = stop.send(true);
    });
    let metrics = async {
        if let Some(listener) = listeners.metrics {
            let metrics_app = http::metrics_app(Arc::clone(&app));
            http::listen(listener, None, metrics_app, &Requests::default(), limits.for_metrics(), stopped.clone()).await;
        }
    };
    // The sockets take connections since they were bound.
    manager::notify(manager::READY);
    tokio::join!(metrics, http::listen(listeners.service, tls, http::app(Arc::clone(&app)), &requests, limits, stopped.clone()));
    // It holds the store.
    drop(app);
    watches.end().await;
    let _ = care.await;
    if let Some(sending) = sending {
        sending.join_all().await;
    }
    store.close();
    tracing::info!("stopped");
    Ok(())
}
