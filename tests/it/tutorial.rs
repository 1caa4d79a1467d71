//! `docs/TUTORIAL.md` from top to bottom: every `sh` block runs in one shell, in a fresh directory,
//! and prints what the page shows below it.
//!
//! The page's addresses are replaced by free ones, and `serve` gets smaller tables, so that it
//! starts at once. A comment above a block says what a reader sees by waiting: `again until` repeats
//! it until it prints what is shown, `fails` expects that its last command does.

mod page;
mod shell;

use std::net::TcpListener;
use std::path::Path;

use page::{Block, blocks, differs};
use shell::Shell;

/// The program's place in the page's directory, with tables that suit a test.
const WRAPPER: &str = "#!/bin/sh\n[ \"$1\" = serve ] || exec PROGRAM \"$@\"\n\
    exec PROGRAM \"$@\" --segment-bytes=1048576 --orders-expected=1000 --rejections-kept=1000 \
    --commands-kept=1000 --prepared-segments=1 --pin=false\n";

/// What tests of a program outside of this repository need; says so where it is not there.
pub fn there(programs: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = |name: &&&str| std::env::split_paths(&path).any(|at| at.join(name).is_file());
    let Some(missing) = programs.iter().find(|name| !found(name)) else {
        return true;
    };
    assert!(
        std::env::var_os("ONHAND_REQUIRE_ALL").is_none_or(|value| value != "1"),
        "{missing} is not installed, and nothing may be skipped"
    );
    eprintln!("skipped: needs {missing} (Debian: apt-get install {missing})");
    false
}

/// Three free addresses. They are of a loopback network of this process alone, so that nothing else
/// takes their ports between here and their use.
fn free_addresses() -> Vec<String> {
    let pid = std::process::id();
    let host = format!(
        "127.78.{}.{}",
        (pid >> 8) & 0xFF,
        (pid & 0xFF).clamp(1, 254)
    );
    let taken: Vec<TcpListener> = (0..3)
        .map(|_| TcpListener::bind((host.as_str(), 0)).expect("a port"))
        .collect();
    taken
        .iter()
        .map(|it| it.local_addr().expect("an address").to_string())
        .collect()
}

fn prepare(directory: &Path) {
    let write = |path: &Path, text: &str| std::fs::write(path, text).expect("a written file");
    let program = WRAPPER.replace("PROGRAM", env!("CARGO_BIN_EXE_onhand"));
    std::fs::create_dir(directory.join("bin")).expect("a directory");
    let wrapper = directory.join("bin/onhand");
    write(&wrapper, &program);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&wrapper, mode).expect("an executable file");
    std::fs::create_dir(directory.join("examples")).expect("a directory");
    for name in ["order_details.json", "rest.sh", "webhook_sender.py"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples");
        let to = directory.join("examples").join(name);
        std::fs::copy(from.join(name), to).expect("a copy");
    }
}

#[test]
fn the_tutorial_prints_what_it_shows() {
    if !there(&["bash", "curl", "python3"]) {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    prepare(directory.path());
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/TUTORIAL.md");
    let mut page = std::fs::read_to_string(page).expect("the page");
    for (port, free) in ["7171", "7172", "7430"].iter().zip(free_addresses()) {
        page = page.replace(&format!("127.0.0.1:{port}"), &free);
    }
    let blocks = blocks(&page);
    assert!(blocks.len() > 20, "{} blocks", blocks.len());
    let mut shell = Shell::start(directory.path());
    for block in &blocks {
        run(&mut shell, block);
    }
}

fn run(shell: &mut Shell, block: &Block) {
    for left in (0..shell::TRIES).rev() {
        let said = shell.run(&block.commands);
        let wrong = if (said.status == 0) == block.fails {
            Some(format!("its status is {}", said.status))
        } else if said.failed && !block.fails {
            Some("one of its commands failed".to_owned())
        } else {
            differs(&block.shown, &said.output)
        };
        let Some(wrong) = wrong else { return };
        assert!(
            block.again && left > 0,
            "line {} of the page: {wrong}\n--- commands\n{}\n--- output\n{}\n\
             --- the server's log\n{}",
            block.line,
            block.commands,
            said.output,
            shell.log("server.log"),
        );
        shell.wait();
    }
}
