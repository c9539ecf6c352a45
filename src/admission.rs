//! Who is let in: connections and posts, counted by address.
//!
//! Floor 2; no clock and no lock of its own. A network of one person is an
//! IPv4 address or an IPv6 /64, which is what providers hand out.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
use std::time::{Duration, Instant};

use crate::limits::Limits;
use crate::wire::http::Problem;

/// How many addresses' posts are counted at once. One that has been quiet is
/// forgotten first: its bucket is full again anyway.
const MAX_BUCKETS: usize = 10_000;
/// How many seconds' worth of posts may come in one burst.
const BURST: f64 = 5.0;

/// What is counted for each address.
#[derive(Debug)]
pub struct Admission {
    per_address: usize,
    /// Posts a second; 0 counts none.
    rate: f64,
    connections: HashMap<IpAddr, usize>,
    buckets: HashMap<IpAddr, Bucket>,
}

/// A bucket that fills with time, and out of which something is taken for
/// each thing that is done (a token bucket).
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    left: f64,
    at: Instant,
}

impl Admission {
    /// Nobody is here yet.
    pub fn new(limits: &Limits) -> Admission {
        Admission {
            per_address: limits.per_address,
            rate: f64::from(limits.post_rate),
            connections: HashMap::new(),
            buckets: HashMap::new(),
        }
    }

    /// Counts one more connection from `address`.
    ///
    /// # Errors
    /// 429 if it has as many as it may.
    pub fn connect(&mut self, address: IpAddr) -> Result<(), Problem> {
        if self.per_address == 0 {
            return Ok(());
        }
        let open = self.connections.entry(person(address)).or_default();
        if *open >= self.per_address {
            return Err(too_many_connections());
        }
        *open += 1;
        Ok(())
    }

    /// One of `address`'s connections has ended.
    pub fn disconnect(&mut self, address: IpAddr) {
        let person = person(address);
        if let Some(open) = self.connections.get_mut(&person) {
            *open -= 1;
            if *open == 0 {
                self.connections.remove(&person);
            }
        }
    }

    /// Takes one post out of `address`'s bucket.
    ///
    /// # Errors
    /// 429 if it is empty, with the seconds until it is not.
    pub fn post(
        &mut self,
        address: IpAddr,
        now: Instant,
    ) -> Result<(), Problem> {
        if self.rate == 0.0 {
            return Ok(());
        }
        let full = self.rate * BURST;
        let person = person(address);
        if !self.buckets.contains_key(&person)
            && self.buckets.len() >= MAX_BUCKETS
        {
            self.forget_full(now);
        }
        let fresh = Bucket::full(full, now);
        let bucket = self.buckets.entry(person).or_insert(fresh);
        bucket.take(self.rate, full, now).map_err(too_many_posts)
    }

    fn forget_full(&mut self, now: Instant) {
        let (rate, full) = (self.rate, self.rate * BURST);
        self.buckets.retain(|_, bucket| bucket.filled(rate, now) < full);
        // All of them busy: a crowd this large is counted anew.
        if self.buckets.len() >= MAX_BUCKETS {
            self.buckets.clear();
        }
    }
}

impl Bucket {
    /// A full one.
    pub fn full(size: f64, now: Instant) -> Bucket {
        Bucket { left: size, at: now }
    }

    /// Takes one out of a bucket that holds `size` and fills at `rate` a
    /// second.
    ///
    /// # Errors
    /// It is empty; the seconds until it is not, at least one.
    pub fn take(
        &mut self,
        rate: f64,
        size: f64,
        now: Instant,
    ) -> Result<(), u64> {
        let left = self.filled(rate, now).min(size);
        *self = Bucket { left, at: now };
        if left < 1.0 {
            return Err(((1.0 - left) / rate).ceil().max(1.0) as u64);
        }
        self.left -= 1.0;
        Ok(())
    }

    fn filled(&self, rate: f64, now: Instant) -> f64 {
        let since: Duration = now.saturating_duration_since(self.at);
        self.left + since.as_secs_f64() * rate
    }
}

/// The part of an address that stands for one person.
fn person(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let network = v6.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
    }
}

fn too_many_connections() -> Problem {
    let detail = "There are too many connections from your address: close \
                  some of them.";
    Problem::later(429, "too_many_connections", detail, 5)
}

fn too_many_posts(seconds: u64) -> Problem {
    let detail = "That is faster than one address may post: wait a moment.";
    Problem::later(429, "post_rate", detail, seconds)
}

/// A network, as `10.0.0.0/8` or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Whether `address` belongs to it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(other)) => {
                let differ = ours.to_bits() ^ other.to_bits();
                differ.leading_zeros() >= self.bits
            }
            (IpAddr::V6(ours), IpAddr::V6(other)) => {
                let differ = ours.to_bits() ^ other.to_bits();
                differ.leading_zeros() >= self.bits
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Network, String> {
        let wrong = || format!("{text:?} is not a network like 10.0.0.0/8");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits: u32 = match bits {
            Some(bits) => bits.parse().map_err(|_| wrong())?,
            None => width,
        };
        if bits > width { Err(wrong()) } else { Ok(Network { address, bits }) }
    }
}

/// Whether `address` belongs to one of `networks`.
pub fn is_trusted(address: IpAddr, networks: &[Network]) -> bool {
    networks.iter().any(|network| network.contains(address))
}

/// Who really asks: the peer, or, behind proxies that are believed, the last
/// address in `X-Forwarded-For` that is not one of theirs.
pub fn client_address(
    peer: IpAddr,
    forwarded: Option<&str>,
    trusted: &[Network],
) -> IpAddr {
    let mut client = peer;
    let mut hops = forwarded.unwrap_or_default().rsplit(',');
    while is_trusted(client, trusted) {
        match hops.next().and_then(|hop| hop.trim().parse().ok()) {
            Some(address) => client = address,
            None => break,
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(per_address: usize, post_rate: u32) -> Limits {
        Limits { per_address, post_rate, ..Limits::default() }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn connections_are_counted_by_person() {
        let mut admission = Admission::new(&limits(2, 0));
        admission.connect(ip("2001:db8::1")).unwrap();
        admission.connect(ip("2001:db8::2")).unwrap();
        let refused = admission.connect(ip("2001:db8::3")).unwrap_err();
        assert_eq!(refused.status, 429);
        admission.connect(ip("2001:db8:0:1::1")).unwrap();
        admission.disconnect(ip("2001:db8::1"));
        admission.connect(ip("2001:db8::3")).unwrap();
        admission.connect(ip("127.0.0.1")).unwrap();
        admission.connect(ip("::ffff:127.0.0.1")).unwrap();
        assert!(admission.connect(ip("127.0.0.1")).is_err());
    }

    #[test]
    fn no_limit_counts_nobody() {
        let mut admission = Admission::new(&limits(0, 0));
        for _ in 0..1000 {
            admission.connect(ip("::1")).unwrap();
            admission.post(ip("::1"), Instant::now()).unwrap();
        }
        assert!(admission.connections.is_empty());
    }

    #[test]
    fn a_bucket_of_posts_fills_with_time() {
        let mut admission = Admission::new(&limits(0, 10));
        let start = Instant::now();
        for _ in 0..50 {
            admission.post(ip("127.0.0.1"), start).unwrap();
        }
        let refused = admission.post(ip("127.0.0.1"), start).unwrap_err();
        assert_eq!(refused.retry_after(), Some(1));
        admission.post(ip("127.0.0.2"), start).unwrap();
        let later = start + Duration::from_millis(250);
        admission.post(ip("127.0.0.1"), later).unwrap();
        admission.post(ip("127.0.0.1"), later).unwrap();
        assert!(admission.post(ip("127.0.0.1"), later).is_err());
    }

    #[test]
    fn a_crowd_of_addresses_takes_bounded_memory() {
        let mut admission = Admission::new(&limits(0, 1));
        let now = Instant::now();
        for n in 0..2 * MAX_BUCKETS as u32 {
            let address = std::net::Ipv4Addr::from_bits(n);
            admission.post(address.into(), now).unwrap();
        }
        assert!(admission.buckets.len() <= MAX_BUCKETS);
    }

    #[test]
    fn a_forwarded_address_is_believed_only_from_a_trusted_proxy() {
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        let from = |peer, forwarded| {
            client_address(ip(peer), Some(forwarded), &proxies)
        };
        assert_eq!(from("1.2.3.4", "9.9.9.9"), ip("1.2.3.4"));
        assert_eq!(from("10.0.0.1", "9.9.9.9"), ip("9.9.9.9"));
        assert_eq!(from("10.0.0.1", "6.6.6.6, 9.9.9.9"), ip("9.9.9.9"));
        assert_eq!(from("10.0.0.1", "9.9.9.9, 10.0.0.2"), ip("9.9.9.9"));
        assert_eq!(from("10.0.0.1", "nonsense"), ip("10.0.0.1"));
        assert_eq!(
            client_address(ip("10.0.0.1"), None, &proxies),
            ip("10.0.0.1")
        );
    }
}
