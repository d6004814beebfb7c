//! `keyfob man`: the manual pages of all commands, made of their options and help.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::result::Result;

/// Writes a page for each command into a folder. Errors: a file cannot be written.
pub(super) fn run(command: Command, folder: &Path) -> Result<ExitCode> {
    // Its page would say what the others say.
    let mut command = command.disable_help_subcommand(true);
    command.build();
    write_pages(&command, folder)?;
    Ok(ExitCode::SUCCESS)
}

fn write_pages(command: &Command, folder: &Path) -> Result<()> {
    for subcommand in command.get_subcommands() {
        write_pages(subcommand, folder)?;
    }
    let path = folder.join(format!("{}.1", command.get_display_name().unwrap_or_else(|| command.get_name())));
    let page = page(command)?;
    std::fs::write(&path, page).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn page(command: &Command) -> Result<String> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let man = Man::new(command.clone()).title(name.to_uppercase()).source(concat!("keyfob ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().next().is_some() {
        man.render_options_section(&mut page)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(help) = command.get_after_help() {
        notes(&help.to_string()).to_writer(&mut page)?;
    }
    if name != "keyfob" {
        writeln!(page, ".SH \"SEE ALSO\"\n\\fBkeyfob\\fR(1)")?;
    }
    // The library leaves blanks behind the synopsis.
    let page = String::from_utf8(page)?;
    Ok(page.lines().flat_map(|line| [line.trim_end(), "\n"]).collect())
}

/// The text after the options of `--help`: paragraphs, and lines of commands, which are indented.
fn notes(text: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["NOTES"]);
    let mut is_code = false;
    // The section begins one by itself.
    let mut begins_paragraph = false;
    for line in text.lines() {
        let indented = line.starts_with("  ");
        if indented != is_code {
            if indented {
                roff.control("PP", []).control("nf", []).control("RS", ["4"]);
            } else {
                roff.control("RE", []).control("fi", []);
            }
            is_code = indented;
        }
        if line.trim().is_empty() {
            begins_paragraph = true;
            continue;
        }
        if !indented && begins_paragraph {
            roff.control("PP", []);
        }
        begins_paragraph = false;
        roff.text([roman(line.trim())]);
    }
    if is_code {
        roff.control("RE", []).control("fi", []);
    }
    roff
}
