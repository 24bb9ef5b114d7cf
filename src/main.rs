//! Arguments in, exit code out; everything else is in the library.

use std::io::Write;
use std::process::ExitCode;

use hotspotd::cli::{self, Invocation};
use hotspotd::daemon;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os().skip(1)) {
        Ok(Invocation::Run(config)) => daemon::run(&config),
        Ok(Invocation::Try) => daemon::run_demo(),
        Ok(Invocation::Client(command, config)) => cli::execute(command, &config),
        Ok(Invocation::Print(text)) => match std::io::stdout().write_all(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(misuse) => misuse.report(),
    }
}
