//! What both programs' command lines say of themselves beside `--help`: shell completions and manual pages, made from the commands
//! as they are. Nothing here knows a command.

use clap::Command;
pub use clap_complete::Shell;
use std::io;
use std::path::Path;

/// The script that makes `shell` complete the words of a program.
pub fn completions(mut command: Command, shell: Shell) -> String {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Writes a page (section 1) for a program and for each of its commands into a folder, which is made if need be. The pages' file
/// names, sorted.
///
/// # Errors
/// The folder cannot be made or written to.
pub fn pages(command: Command, folder: &Path) -> io::Result<Vec<String>> {
    std::fs::create_dir_all(folder)?;
    let program = command.get_name().to_owned();
    clap_mangen::generate_to(command, folder)?;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        // Pages of others may lie there too.
        let rest = name.strip_prefix(&program).and_then(|rest| rest.strip_suffix(".1"));
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-')) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program() -> Command {
        let list = Command::new("list").about("Say which there are");
        Command::new("market")
            .about("Sells")
            .subcommand(Command::new("stall").about("Stalls").subcommand(list))
    }

    #[test]
    fn each_command_has_a_page_and_every_shell_a_script() {
        let folder = tempfile::tempdir().unwrap();
        let pages = pages(program(), &folder.path().join("man1")).unwrap();
        assert_eq!(pages, ["market-stall-list.1", "market-stall.1", "market.1"]);
        let text = std::fs::read_to_string(folder.path().join("man1/market-stall-list.1")).unwrap();
        assert!(text.contains("market\\-stall\\-list") && text.contains("Say which there are"), "{text}");
        for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
            let script = completions(program(), shell);
            assert!(script.contains("stall") && script.contains("list"), "{shell}: {script}");
        }
    }
}
