//! Names to handles, asked for once a connection.

use super::connection::Connection;
use super::error::ClientError;
use crate::limits::FRAME_ITEMS_MAX;
use crate::types::{LocationId, ResultCode, SkuId};
use crate::wire::reply::NameReply;
use crate::wire::request::Name;
use std::collections::HashMap;

/// Handles known on this connection. Handles never change on a server, but another server, or one
/// restored from elsewhere, has others: so the cache ends with the connection.
#[derive(Debug, Default)]
pub(super) struct Names {
    skus: HashMap<String, u32>,
    locations: HashMap<String, u32>,
}

/// Names asked for in one frame: so many of the longest ones fit 1 MiB.
const NAMES_PER_FRAME: usize = 8_000;

const _: () = {
    let longest = 4 + crate::limits::NAME_BYTES_MAX.next_multiple_of(4);
    assert!(NAMES_PER_FRAME * longest + 24 <= crate::limits::FRAME_BYTES_MAX);
    assert!(NAMES_PER_FRAME <= FRAME_ITEMS_MAX);
};

impl Connection {
    /// The handle of a SKU.
    ///
    /// # Errors
    /// `UnknownName`, or no answer.
    pub fn sku(&mut self, name: &str) -> Result<SkuId, ClientError> {
        let handles = self.skus(&[name])?;
        first(&handles, name, ResultCode::UnknownSku)
    }

    /// The handles of SKUs, in the order of their names.
    ///
    /// # Errors
    /// `UnknownName` for the first one that the server does not know, or no answer.
    pub fn skus(&mut self, names: &[&str]) -> Result<Vec<SkuId>, ClientError> {
        let missing = missing(&self.names.skus, names);
        for page in missing.chunks(NAMES_PER_FRAME) {
            let replies = self.resolve_skus(&to_items(page))?;
            store(&mut self.names.skus, page, &replies)?;
        }
        Ok(names
            .iter()
            .filter_map(|&name| self.names.skus.get(name).copied().map(SkuId))
            .collect())
    }

    /// The handle of a location.
    ///
    /// # Errors
    /// `UnknownName`, or no answer.
    pub fn location(&mut self, name: &str) -> Result<LocationId, ClientError> {
        let handles = self.locations(&[name])?;
        first(&handles, name, ResultCode::UnknownLocation)
    }

    /// The handles of locations, in the order of their names.
    ///
    /// # Errors
    /// `UnknownName` for the first one that the server does not know, or no answer.
    pub fn locations(&mut self, names: &[&str]) -> Result<Vec<LocationId>, ClientError> {
        let missing = missing(&self.names.locations, names);
        for page in missing.chunks(NAMES_PER_FRAME) {
            let replies = self.resolve_locations(&to_items(page))?;
            store(&mut self.names.locations, page, &replies)?;
        }
        Ok(names
            .iter()
            .filter_map(|&name| self.names.locations.get(name).copied())
            .filter_map(|handle| u16::try_from(handle).ok().map(LocationId))
            .collect())
    }
}

fn missing<'a>(known: &HashMap<String, u32>, names: &[&'a str]) -> Vec<&'a str> {
    let mut missing: Vec<&str> = names
        .iter()
        .copied()
        .filter(|&name| !known.contains_key(name))
        .collect();
    missing.sort_unstable();
    missing.dedup();
    missing
}

fn to_items<'a>(names: &[&'a str]) -> Vec<Name<'a>> {
    names.iter().map(|&name| Name { name }).collect()
}

fn store(
    known: &mut HashMap<String, u32>,
    names: &[&str],
    replies: &[NameReply],
) -> Result<(), ClientError> {
    for (&name, reply) in names.iter().zip(replies) {
        if reply.code != ResultCode::Ok {
            return Err(unknown(reply.code, name));
        }
        known.insert(name.to_owned(), reply.handle);
    }
    Ok(())
}

fn first<T: Copy>(handles: &[T], name: &str, code: ResultCode) -> Result<T, ClientError> {
    handles.first().copied().ok_or_else(|| unknown(code, name))
}

fn unknown(code: ResultCode, name: &str) -> ClientError {
    ClientError::UnknownName {
        code,
        name: name.to_owned(),
    }
}
