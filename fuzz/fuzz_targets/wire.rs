//! Events on their way from the looking process, joined into incidents, and bytes of a machine on their way out.
#![no_main]

use gatewatch::report::escape::{Escaped, quoted_within};
use gatewatch::report::incident::{Incidents, Told};
use gatewatch::report::wire::{Next, next};
use gatewatch::report::{Advice, Event};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut rest = data;
    let mut incidents = Box::new(Incidents::new());
    let mut held = 0;
    while let Next::Event(event, length) = next(rest) {
        assert!(length > 0);
        rest = &rest[length..];
        // All that is told of one byte or more is held under the place of that byte.
        let kept = incidents.hold(&event, &|check| check.bytes().next().map(|byte| usize::from(byte % 64)));
        held += u32::from(kept && matches!(event, Event::Finding(_)));
    }
    let (mut told, mut joined) = (0, 0);
    incidents.tell(&|_| Advice::PROGRAM, &mut |it| match it {
        Told::Incident(incident) => {
            assert!(!incident.story.is_empty() && !incident.checks.is_empty());
            joined += incident.findings;
        }
        Told::Event(event) => told += u32::from(matches!(event, Event::Finding(_))),
    });
    assert!(told == held && joined <= held, "{held} held, {told} told, {joined} joined");
    let said = Escaped(data).to_string();
    assert!(!said.chars().any(char::is_control));
    let mut short = String::new();
    quoted_within(data, 64, &mut short).unwrap();
    assert!(short.len() <= 64 && !short.chars().any(char::is_control), "{short}");
});
