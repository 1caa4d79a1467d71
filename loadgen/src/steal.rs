//! Processor time that a virtual machine's host gave to others: a figure taken meanwhile is one of the
//! host and not of the program.

/// A look at the kernel's account of processor time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Account {
    stolen: u64,
    all: u64,
}

impl Account {
    /// The account now; zero where the kernel does not tell.
    pub fn now() -> Self {
        std::fs::read_to_string("/proc/stat").map_or_else(|_| Self::default(), |text| read(&text))
    }

    /// The share of all processors' time that was stolen since then, in percent.
    pub fn stolen_since(self) -> f64 {
        let now = Self::now();
        let all = now.all.saturating_sub(self.all).max(1);
        100.0 * now.stolen.saturating_sub(self.stolen) as f64 / all as f64
    }
}

/// The first line of `/proc/stat` (`proc_stat(5)`): user, nice, system, idle, iowait, irq, softirq, steal
/// in ticks; what follows is contained in the first two.
fn read(text: &str) -> Account {
    let line = text.lines().next().unwrap_or_default();
    let ticks = line.split_whitespace().skip(1).take(8);
    let ticks: Vec<u64> = ticks.map_while(|tick| tick.parse().ok()).collect();
    Account {
        stolen: ticks.get(7).copied().unwrap_or(0),
        all: ticks.iter().sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stolen_time_is_the_eighth_of_the_ticks_that_make_all() {
        let account = read("cpu  100 5 50 1000 20 0 10 15 3 0\ncpu0 1 1 1 1\n");
        assert_eq!((account.stolen, account.all), (15, 1_200));
        assert_eq!(read("nonsense").all, 0);
        assert!((0.0..=100.0).contains(&Account::now().stolen_since()));
    }
}
