//! Messages of netlink: cut into attributes, and read as what each question asks for.
#![no_main]

use gatewatch::facts::flow;
use gatewatch::facts::netlink::{Next, attributes, next};
use gatewatch::facts::raw::{Family, RawSocket};
use gatewatch::facts::route::{self, Route};
use gatewatch::facts::socket::{Protocol, Socket};
use gatewatch::facts::tunnel::Link;
use gatewatch::facts::unix::UnixSocket;
use gatewatch_fuzz::ENDIANS;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for endian in ENDIANS {
        let mut rest = data;
        while let Next::Message(_, body, length) = next(rest, endian) {
            assert!(length > 0 && length <= rest.len());
            attributes(body, endian).for_each(|(_, value)| attributes(value, endian).for_each(drop));
            let _ = (Route::message(body, endian), route::own(body, endian), route::interface(body, endian));
            let _ =
                (Link::message(body, endian), UnixSocket::message(body, endian), flow::message(body, endian));
            for family in [Family::Packet, Family::Raw] {
                let _ = RawSocket::message(body, family, endian);
            }
            let _ = Socket::message(body, Protocol::Tcp, endian);
            rest = &rest[length..];
        }
    }
});
