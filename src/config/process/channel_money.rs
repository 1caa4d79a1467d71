//! Who takes the money of channels' orders, where the process file does not say it.

use super::file::RoutingTable;

/// Which channels' orders ask no processor of ours for the money, where the process file says
/// nothing else about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelMoney {
    /// The channel has taken it: marketplaces.
    pub settled: Vec<u16>,
    /// The buyer pays the carrier.
    pub at_the_door: Vec<u16>,
}

impl ChannelMoney {
    pub(super) fn add_to(&self, routing: &mut RoutingTable) {
        for (given, settled) in [(&self.settled, true), (&self.at_the_door, false)] {
            for channel in given {
                let said = routing.settled_channels.contains(channel)
                    || routing.cod_channels.contains(channel);
                match (said, settled) {
                    (true, _) => {}
                    (false, true) => routing.settled_channels.push(*channel),
                    (false, false) => routing.cod_channels.push(*channel),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_take_the_way_of_their_kind_unless_the_file_names_another() {
        let mut routing = RoutingTable {
            settled_channels: vec![7],
            cod_channels: vec![2],
            ..RoutingTable::default()
        };
        let money = ChannelMoney {
            settled: vec![1, 2, 7],
            at_the_door: vec![5, 7],
        };
        money.add_to(&mut routing);
        assert_eq!(routing.settled_channels, [7, 1]);
        assert_eq!(routing.cod_channels, [2, 5]);
    }
}
