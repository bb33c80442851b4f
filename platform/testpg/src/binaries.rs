//! Where PostgreSQL's programs are, and as whom they run.

use std::{
    fs,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
};

/// The programs of one installation.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    directory: PathBuf,
    /// User and group of the server's processes, when they may not be ours.
    owner: Option<(u32, u32)>,
}

impl Binaries {
    pub(crate) fn find() -> Option<Self> {
        let named = std::env::var_os("EMPORIA_TEST_PG_BIN").map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places = named.into_iter().chain(debian()).chain(std::env::split_paths(&path));
        let directory = places.into_iter().find(|place| place.join("initdb").is_file())?;
        let owner = if uid() == 0 { Some(other_user()?) } else { None };
        Some(Self { directory, owner })
    }

    /// One of the programs, to be run as the server's user.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = self.as_owner(Command::new(self.directory.join(program)));
        command.current_dir("/");
        command
    }

    /// A shell with the directory of the programs as `$0`.
    pub(crate) fn shell(&self, script: &str) -> Command {
        let mut command = self.as_owner(Command::new("sh"));
        command.arg("-c").arg(script).arg(&self.directory).current_dir("/");
        command
    }

    fn as_owner(&self, mut command: Command) -> Command {
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }

    /// Makes the directory, readable for all, and gives it to the server's user.
    pub(crate) fn make_directory(&self, directory: &Path) {
        fs::create_dir_all(directory).expect("a temporary directory can be made");
        self.give(directory);
    }

    /// Gives an existing directory to the server's user.
    pub(crate) fn give(&self, directory: &Path) {
        if let Some((user, group)) = self.owner {
            std::os::unix::fs::chown(directory, Some(user), Some(group)).expect("root may give files away");
        }
    }

    /// Makes an empty cluster in `data`, whose superuser `postgres` needs no password.
    pub(crate) fn init(&self, data: &Path) {
        let mut init = self.command("initdb");
        init.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        let output = init.arg("--pgdata").arg(data).output().expect("initdb runs");
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Directories of Debian's packages, the newest release first.
fn debian() -> Vec<PathBuf> {
    let releases = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut releases: Vec<(u32, PathBuf)> = releases
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    releases.sort_unstable();
    releases.into_iter().rev().map(|(_, directory)| directory).collect()
}

/// The user that this process runs as.
pub(crate) fn uid() -> u32 {
    fs::metadata("/proc/self").map_or(0, |of_this_process| of_this_process.uid())
}

/// The package's own user, or the one that owns nothing.
fn other_user() -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    ["postgres", "nobody"].iter().find_map(|name| {
        let mut fields =
            users.lines().map(|line| line.split(':')).find(|f| f.clone().next() == Some(name))?;
        Some((fields.nth(2)?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}
