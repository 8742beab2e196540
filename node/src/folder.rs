//! What can be a program's data folder, before anything is made in it. Must never change anything itself.

use std::io;
use std::path::Path;

/// Another program of the same house, by what only it keeps in its data folder.
#[derive(Clone, Copy, Debug)]
pub struct Other {
    /// Its name.
    pub program: &'static str,
    /// Names of files or folders of its own.
    pub signs: &'static [&'static str],
}

/// Checks that a path can be a program's data folder: a folder that this account may look into and that is not another program's, or
/// nothing yet.
///
/// # Errors
/// Why it cannot be, with what to do.
pub fn check(folder: &Path, other: Other) -> Result<(), String> {
    let shown = folder.display();
    if folder.exists() && !folder.is_dir() {
        return Err(format!("{shown} is a file; give a folder"));
    }
    for sign in other.signs {
        match folder.join(sign).try_exists() {
            Ok(false) => {}
            Ok(true) => {
                let program = other.program;
                return Err(format!(
                    "{shown} holds the data of {program}; give another folder with --data-dir"
                ));
            }
            Err(error) => return Err(unreadable(folder, &error)),
        }
    }
    Ok(())
}

fn unreadable(folder: &Path, error: &io::Error) -> String {
    let shown = folder.display();
    if error.kind() == io::ErrorKind::PermissionDenied {
        return format!(
            "{shown} cannot be read by this account; run the command as the account that owns it"
        );
    }
    format!("{shown} cannot be read: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const OTHER: Other = Other { program: "mizili-other", signs: &["other.db"] };

    #[test]
    fn a_file_and_another_programs_folder_are_refused_and_an_empty_or_missing_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(check(dir.path(), OTHER), Ok(()));
        assert_eq!(check(&dir.path().join("none"), OTHER), Ok(()));
        let file = dir.path().join("other.db");
        fs::write(&file, "").unwrap();
        assert!(check(&file, OTHER).unwrap_err().ends_with("other.db is a file; give a folder"));
        assert!(check(dir.path(), OTHER).unwrap_err().contains("holds the data of mizili-other"));
        // What cannot be looked into is no folder without signs, whoever looks.
        assert!(check(&file.join("below"), OTHER).unwrap_err().contains("below cannot be read: "));
    }

    #[test]
    fn a_folder_of_another_account_is_said_to_be_one() {
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        assert!(unreadable(Path::new("/x"), &denied).starts_with("/x cannot be read by this account"));
    }
}
