//! Which database holds the history.

use super::error::HistoryError;
use std::fmt;
use std::path::{Path, PathBuf};
use url::Url;

/// Environment variable with the password of a PostgreSQL server.
pub const PASSWORD_VARIABLE: &str = "ONHAND_HISTORY_PASSWORD";

/// Name of the SQLite file in the data directory.
pub const SQLITE_FILE: &str = "history.sqlite";

/// A database, or none.
#[derive(Clone, PartialEq, Eq)]
pub enum HistoryTarget {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server.
    Postgres {
        /// Server, user and database, without a password.
        url: Url,
        /// The password, from the environment.
        password: Option<String>,
    },
}

impl HistoryTarget {
    /// The database that `text` names: `sqlite` for the file in the data directory,
    /// `sqlite:FILE`, or `postgres://USER@HOST:PORT/DATABASE` (the password comes from
    /// [`PASSWORD_VARIABLE`]); `None` for `off`.
    ///
    /// # Errors
    /// The text names none, or holds a password.
    pub fn parse(text: &str, data: &Path) -> Result<Option<Self>, HistoryError> {
        match text {
            "off" => return Ok(None),
            "sqlite" => return Ok(Some(Self::Sqlite(data.join(SQLITE_FILE)))),
            _ => {}
        }
        if let Some(file) = text.strip_prefix("sqlite:") {
            let file = file.strip_prefix("//").unwrap_or(file);
            if file.is_empty() {
                return Err(wrong("sqlite:", "a file is missing behind `sqlite:`"));
            }
            return Ok(Some(Self::Sqlite(file.into())));
        }
        let Ok(url) = text.parse::<Url>() else {
            return Err(wrong("…", FORMS));
        };
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(wrong(&format!("{}:…", url.scheme()), FORMS));
        }
        if has_secret(&url) {
            let host = url.host_str().unwrap_or_default();
            return Err(wrong(
                &format!("postgres://…@{host}"),
                "it holds a password; give that in the environment variable \
                 ONHAND_HISTORY_PASSWORD instead",
            ));
        }
        Ok(Some(Self::Postgres {
            url,
            password: std::env::var(PASSWORD_VARIABLE).ok(),
        }))
    }

    /// The database for people, without a password.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Sqlite(path) => path.display().to_string(),
            Self::Postgres { url, .. } => url.to_string(),
        }
    }
}

const FORMS: &str =
    "expected `sqlite`, `sqlite:FILE`, `postgres://USER@HOST:PORT/DATABASE` or `off`";

/// True where the URL itself holds a password.
fn has_secret(url: &Url) -> bool {
    url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password")
}

fn wrong(given: &str, reason: &str) -> HistoryError {
    HistoryError::Target {
        given: given.to_owned(),
        reason: reason.to_owned(),
    }
}

impl fmt::Debug for HistoryTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_named_by_a_word_a_file_or_a_url() {
        let parse = |text| HistoryTarget::parse(text, Path::new("/data")).unwrap();
        assert_eq!(parse("off"), None);
        let file = HistoryTarget::Sqlite("/data/history.sqlite".into());
        assert_eq!(parse("sqlite"), Some(file));
        let file = HistoryTarget::Sqlite("/other/h.db".into());
        assert_eq!(parse("sqlite:///other/h.db"), Some(file));
        assert!(matches!(
            parse("postgres://onhand@db:5432/onhand"),
            Some(HistoryTarget::Postgres { .. })
        ));
    }

    #[test]
    fn a_password_in_the_url_is_refused_and_not_repeated() {
        for text in [
            "postgres://u:hunter2@db/x",
            "postgres://u@db/x?password=hunter2",
        ] {
            let error = HistoryTarget::parse(text, Path::new("/data")).unwrap_err();
            let said = format!("{error} {error:?}");
            assert!(said.contains("ONHAND_HISTORY_PASSWORD"), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
        let error = HistoryTarget::parse("mysql://u:hunter2@db", Path::new("/")).unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }
}
