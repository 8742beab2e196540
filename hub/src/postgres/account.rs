//! Who runs Postgres: this process's own account, or, for a hub run as root, an unprivileged one.
//! It must never start a server program as root, nor hand it this process's environment or extra groups.

use super::error::{PostgresError, at};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

/// How the programs see the data folder: as an open file, made by [`WRAPPER`].
///
/// A hub run as root may keep its data where no other account can walk, below root's home for instance. The
/// folder is therefore opened first and handed down, and every program resolves it through that open file,
/// so no parent folder's permissions need to be widened.
pub(super) const DATA: &str = "/proc/self/fd/3";
const WRAPPER: &str = r#"exec 3<&0 </dev/null; exec "$@""#;

/// The account that owns a cluster and runs its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Account {
    /// This process's own, which is not root.
    Own,
    /// Another, for a process that is root.
    Other {
        /// User id.
        uid: u32,
        /// Group id.
        gid: u32,
    },
}

impl Account {
    /// The account for the cluster whose folder is `dir` and whose data is, or will be, in `data`.
    ///
    /// # Errors
    /// When the folder belongs to somebody this process may not act for, or there is no account to be had.
    pub(super) fn choose(dir: &Path, data: &Path) -> Result<Self, PostgresError> {
        let me = effective_uid()?;
        let folder = std::fs::metadata(dir).map_err(at(dir))?;
        if me != 0 && folder.uid() != me {
            return Err(not_owner(dir, folder.uid()));
        }
        let cluster = match std::fs::metadata(data) {
            Ok(cluster) => Some(cluster),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(at(data)(error)),
        };
        // A cluster stays with who made it; a new one goes to the owner of the folder.
        let owner = cluster.as_ref().unwrap_or(&folder);
        match (me, owner.uid()) {
            (0, 0) if cluster.is_some() => Err(PostgresError::NotOwner {
                dir: data.to_path_buf(),
                owner: "root".into(),
                advice: "Postgres does not run as root: give the folder to the account `postgres` (chown -R).",
            }),
            (0, 0) => {
                let passwd = std::fs::read_to_string("/etc/passwd").map_err(at("/etc/passwd"))?;
                let (uid, gid) = unprivileged(&passwd).ok_or(PostgresError::NoAccount)?;
                Ok(Self::Other { uid, gid })
            }
            (0, uid) => Ok(Self::Other { uid, gid: owner.gid() }),
            (me, uid) if me == uid => Ok(Self::Own),
            (_, uid) => Err(not_owner(data, uid)),
        }
    }

    /// Makes an empty folder that only this account may read, or mends the rights of one that is there.
    pub(super) fn private_folder(&self, path: &Path) -> Result<(), PostgresError> {
        use std::os::unix::fs::{PermissionsExt, chown};
        match std::fs::create_dir(path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            made => made.map_err(at(path))?,
        }
        if let Self::Other { uid, gid } = *self {
            chown(path, Some(uid), Some(gid)).map_err(at(path))?;
        }
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).map_err(at(path))
    }

    /// The command line that runs `program` as this account with the folder on its standard input as
    /// [`DATA`].
    pub(super) fn command_line<A: AsRef<OsStr>>(&self, program: &Path, args: &[A]) -> Vec<OsString> {
        let mut line: Vec<OsString> = ["sh", "-c", WRAPPER, "sh"].map(Into::into).into();
        if let Self::Other { uid, gid } = self {
            line.push("setpriv".into());
            line.push(format!("--reuid={uid}").into());
            line.push(format!("--regid={gid}").into());
            line.extend(["--clear-groups".into(), "--".into()]);
        }
        line.push(program.into());
        line.extend(args.iter().map(|arg| arg.as_ref().to_os_string()));
        line
    }

    /// [`Self::command_line`], ready to run with `data` as the folder. A Ctrl-C in the terminal does not reach
    /// it: the hub ends its database itself, in order.
    pub(super) fn command<A: AsRef<OsStr>>(
        &self,
        data: &Path,
        program: &Path,
        args: &[A],
    ) -> Result<Command, PostgresError> {
        let line = self.command_line(program, args);
        let folder = File::open(data).map_err(at(data))?;
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).stdin(Stdio::from(folder)).current_dir("/").process_group(0);
        clean_environment(&mut command);
        Ok(command)
    }
}

/// Leaves nothing of the hub's environment, which holds its keys. Plain `C` keeps messages in English.
fn clean_environment(command: &mut Command) {
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
}

/// The user id that this process acts as.
pub(super) fn effective_uid() -> Result<u32, PostgresError> {
    const STATUS: &str = "/proc/self/status";
    let status = std::fs::read_to_string(STATUS).map_err(at(STATUS))?;
    effective_of(&status).ok_or_else(|| at(STATUS)(std::io::ErrorKind::InvalidData.into()))
}

/// The second number of the line that begins with `Uid:`; the first is the real user, who may differ.
fn effective_of(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// User and group id of `postgres` if it exists, else of `nobody`.
fn unprivileged(passwd: &str) -> Option<(u32, u32)> {
    let find = |wanted: &str| {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            if fields.next()? != wanted {
                return None;
            }
            let uid: u32 = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            (uid != 0).then_some((uid, gid))
        })
    };
    find("postgres").or_else(|| find("nobody"))
}

fn not_owner(dir: &Path, owner: u32) -> PostgresError {
    PostgresError::NotOwner {
        dir: dir.to_path_buf(),
        owner: if owner == 0 { "root".into() } else { format!("user {owner}") },
        advice: "Run this command as that user, or as root.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_comes_before_nobody_and_root_never() {
        let nobody = "root:x:0:0::/:/bin/sh\nnobody:x:65534:65533::/:/bin/false\n";
        assert_eq!(unprivileged(nobody), Some((65534, 65533)));
        let both = format!("{nobody}postgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\n");
        assert_eq!(unprivileged(&both), Some((101, 104)));
        assert_eq!(unprivileged("root:x:0:0::/:/bin/sh\npostgres:x:0:0::/:/bin/sh\n"), None);
        assert_eq!(unprivileged("postgresql:x:7:7::/:/bin/sh\nnobody:x:not a number\n"), None);
    }

    #[test]
    fn the_effective_user_is_the_second_number() {
        assert_eq!(effective_of("Name:\thub\nUid:\t1000\t0\t0\t0\n"), Some(0));
        assert_eq!(effective_of("Name:\thub\n"), None);
    }

    #[test]
    fn another_account_gets_no_groups() {
        let line = Account::Other { uid: 7, gid: 8 }.command_line(Path::new("/bin/initdb"), &["-D", DATA]);
        let line: Vec<_> = line.iter().map(|part| part.to_str().unwrap()).collect();
        assert_eq!(
            line[4..],
            ["setpriv", "--reuid=7", "--regid=8", "--clear-groups", "--", "/bin/initdb", "-D", DATA]
        );
        let own = Account::Own.command_line(Path::new("/bin/initdb"), &["-D", DATA]);
        assert_eq!(own[4], "/bin/initdb");
    }
}
