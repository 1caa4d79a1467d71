//! The commands on a data directory, and the import, with a real server.

use std::path::PathBuf;

use super::process::{Said, Server, finish, onhand};

/// A folder with a data directory and CSV files.
struct Shop {
    folder: tempfile::TempDir,
}

impl Shop {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let shop = Self { folder };
        shop.write(
            "stock.csv",
            "sku,location,quantity\nlamp,berlin,10\nvase,berlin,4\n",
        );
        shop.write(
            "orders.csv",
            "external_id,channel,sku,quantity,location\nA1,3,lamp,7,berlin\nA1,3,vase,1,\n\
             A2,3,lamp,5,\nA3,3,lamp,3,\nA4,3,lamp,1,\n",
        );
        shop
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a written file");
    }

    /// Runs a command on the data directory.
    fn look(&self, arguments: &[&str]) -> Said {
        let (command, rest) = arguments.split_first().expect("a command");
        let mut process = onhand();
        process
            .arg(command)
            .arg("--data")
            .arg(self.data())
            .args(rest);
        finish(&mut process)
    }

    /// Stock and orders imported, the server killed.
    fn sold_out() -> Self {
        let shop = Self::new();
        let server = Server::start(&shop.data(), &[]);
        let stock = [
            "import",
            "--csv",
            "stock",
            &shop.path("stock.csv"),
            "--define",
        ];
        server.run(&stock).exits(0);
        let orders = ["import", "--csv", "orders", &shop.path("orders.csv")];
        server.run(&orders).exits(1);
        drop(server); // SIGKILL
        shop
    }

    /// All files of the data directory with their bytes.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        for folder in [self.data(), self.data().join("shard-0000")] {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_file() {
                    files.push((path.clone(), std::fs::read(path).expect("a file")));
                }
            }
        }
        files.sort();
        files
    }
}

#[test]
fn rows_are_imported_once_however_often_the_file_is_sent() {
    let shop = Shop::new();
    let server = Server::start(&shop.data(), &[]);
    let stock = ["import", "--csv", "stock", &shop.path("stock.csv")];
    server
        .run(&stock)
        .exits(1)
        .says("line 2: UNKNOWN_SKU: SKU `lamp`")
        .says("0 rows done, 0 done before, 2 refused");
    let mut defining = stock.to_vec();
    defining.push("--define");
    server.run(&defining).exits(0).says("2 rows done");
    server
        .run(&stock)
        .exits(0)
        .says("0 rows done, 2 done before, 0 refused");
    let shown = server
        .run(&["stock", "show", "lamp", "--json"])
        .exits(0)
        .json();
    assert!(shown.to_string().contains("\"on_hand\":10"), "{shown}");
    let orders = ["import", "--csv", "orders", &shop.path("orders.csv")];
    for counts in [
        "2 orders done, 0 done before",
        "0 orders done, 2 done before",
    ] {
        server
            .run(&orders)
            .exits(1)
            .says("line 4: INSUFFICIENT_STOCK")
            .says("lamp: 3 left")
            .says("line 6: INSUFFICIENT_STOCK")
            .says(counts);
    }
    shop.write(
        "set.csv",
        "sku,location,on_hand,expect\nlamp,berlin,30,10\nlamp,berlin,31,10\n",
    );
    server
        .run(&["import", "--csv", "stock", &shop.path("set.csv")])
        .exits(1)
        .says("line 3: STALE: lamp at berlin, on hand 30");
    shop.write("odd.csv", "sku,place,on_hand\n");
    server
        .run(&["import", "--csv", "stock", &shop.path("odd.csv")])
        .exits(2)
        .warns("column `place` is not known");
}

#[test]
fn a_killed_servers_directory_verifies_clean_and_is_not_changed_by_it() {
    let shop = Shop::sold_out();
    let before = shop.files();
    let report = shop.look(&["verify", "--json"]).exits(0).json();
    assert_eq!(report["violations"], 0);
    assert_eq!(report["shards"][0]["accepted"], 2);
    assert_eq!(report["shards"][0]["refused"], 2);
    shop.look(&["verify"])
        .exits(0)
        .says("verified: no violation");
    shop.look(&["inspect", "segments"])
        .exits(0)
        .says("segment-0000000001.log");
    shop.look(&["export", "--csv", "stock"]).exits(0);
    assert!(before == shop.files(), "reading changes nothing");
}

#[test]
fn verify_of_a_served_directory_says_so_and_reads_what_is_durable() {
    let shop = Shop::new();
    let server = Server::start(&shop.data(), &[]);
    let stock = [
        "import",
        "--csv",
        "stock",
        &shop.path("stock.csv"),
        "--define",
    ];
    server.run(&stock).exits(0);
    let pid = server.pid();
    let said = shop.look(&["verify", "--json"]).exits(0);
    let said = said.warns(&format!("is served by process {pid}"));
    assert_eq!(said.json()["served_by"], pid);
}

#[test]
fn a_changed_byte_of_the_journal_fails_verify_with_file_and_offset() {
    let shop = Shop::sold_out();
    let file = shop.data().join("shard-0000/segment-0000000001.log");
    let mut bytes = std::fs::read(&file).expect("a segment");
    bytes[4_096 + 64 + 8] ^= 1; // in the first record
    std::fs::write(&file, bytes).expect("a written segment");
    shop.look(&["verify"])
        .exits(1)
        .says("damaged: segment-0000000001.log at offset 4096")
        .says("NOT verified");
    shop.look(&["inspect", "records"]).exits(1).warns("damaged");
}

#[test]
fn a_lost_acknowledgement_fails_verify_with_its_key() {
    let shop = Shop::sold_out();
    let key = "0000000000000000000000000000002a";
    let line = format!(r#"{{"tenant":"default","key":"{key}","version":1,"code":"OK"}}"#);
    shop.write("ledger.jsonl", &(line + "\n"));
    let ledger = shop.path("ledger.jsonl");
    shop.look(&["verify", "--ledger", &ledger])
        .exits(1)
        .says(key)
        .says("lost");
    shop.write("ledger.jsonl", "nonsense\n");
    shop.look(&["verify", "--ledger", &ledger])
        .exits(2)
        .warns("line 1");
}

#[test]
fn what_is_no_data_directory_exits_2_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().to_string_lossy().into_owned();
    for command in [
        &["verify"][..],
        &["inspect", "segments"],
        &["explain", "--sku", "lamp"],
        &["export", "--csv", "stock"],
    ] {
        let mut process = onhand();
        process
            .arg(command[0])
            .args(["--data", &data])
            .args(&command[1..]);
        finish(&mut process)
            .exits(2)
            .warns("is not a data directory of Onhand");
    }
}

#[test]
fn a_refusal_is_explained_with_the_order_that_took_the_last_unit() {
    let shop = Shop::sold_out();
    let told = shop.look(&["explain", "--external-id", "A4", "--channel", "3", "--json"]);
    let told = told.exits(0).json();
    assert_eq!(told["state"], "REJECTED");
    let refused = &told["events"][0]["refused"][0];
    assert_eq!(
        (&refused["left"], &refused["last_unit"]["units"]),
        (&0.into(), &3.into())
    );
    let winner = refused["last_unit"]["order"]
        .as_str()
        .expect("a key")
        .to_owned();
    shop.look(&["explain", "--order", &winner])
        .exits(0)
        .says("held as version 1: 3 × lamp at berlin")
        .says("external id A3");
    let sku = shop
        .look(&["explain", "--sku", "lamp", "--json"])
        .exits(0)
        .json();
    assert_eq!(
        (&sku["available"], &sku["refused_orders"]),
        (&0.into(), &2.into())
    );
    shop.look(&["explain", "--sku", "nothing"])
        .exits(1)
        .warns("never came up");
    shop.look(&["explain", "--sku", "lamp", "--at", "1999-01-01T00:00:00Z"])
        .exits(1);
    shop.look(&["explain", "--sku", "lamp", "--at", "noon"])
        .exits(2)
        .warns("use a sequence");
}

#[test]
fn exported_stock_can_be_imported_into_another_server() {
    let shop = Shop::sold_out();
    let out = shop.path("export.csv");
    let export = ["export", "--csv", "stock", "--out", &out];
    shop.look(&export).exits(0).says("2 rows in");
    let orders = shop.look(&["export", "--csv", "orders"]).exits(0).out;
    assert_eq!(
        orders.lines().count(),
        1 + 3 + 2,
        "three lines and two refusals: {orders}"
    );
    let other = Shop::new();
    let server = Server::start(&other.data(), &[]);
    let import = ["import", "--csv", "stock", &out, "--define"];
    server.run(&import).exits(0).says("2 rows done");
    let mut foreign = vec!["import", "--csv", "stock", &out, "--tenant", "acme"];
    server
        .run(&foreign)
        .exits(1)
        .says("belongs to tenant `default`");
    foreign.truncate(4);
    server.run(&foreign).exits(0).says("2 done before");
}

#[test]
fn who_gets_a_sku_first_is_set_by_import_and_command_line_and_explained() {
    let shop = Shop::new();
    let server = Server::start(&shop.data(), &[]);
    shop.write(
        "queues.csv",
        "sku,location,quantity,backorder_queue\n\
         lamp,berlin,1,skip\nvase,berlin,1,\nbowl,berlin,1,first\n",
    );
    let queues = shop.path("queues.csv");
    server
        .run(&["import", "--csv", "stock", &queues, "--define"])
        .exits(1)
        .says("line 4: `backorder_queue` has `first`: neither strict nor skip nor default")
        .says("2 rows done, 0 done before, 1 refused");
    server
        .run(&["sku", "add", "vase", "--backorder-queue", "strict"])
        .exits(0)
        .says("backorders by strict");
    drop(server);
    let told = |sku: &str| {
        let story = shop.look(&["explain", "--sku", sku, "--json"]).exits(0);
        story.json()["backorder_queue"].clone()
    };
    assert_eq!(
        (told("lamp"), told("vase")),
        ("skip".into(), "strict".into())
    );
    shop.look(&["explain", "--sku", "lamp"])
        .exits(0)
        .says("served by the rule skip");
    shop.look(&["verify"]).exits(0);
}
