//! Web pages that run something of a request, in every language.
#![no_main]

use gatewatch::facts::request::Scripts;
use gatewatch::facts::web::Language;
use libfuzzer_sys::fuzz_target;

const LANGUAGES: [Language; 9] = [
    Language::Shell,
    Language::ShellPage,
    Language::Php,
    Language::Perl,
    Language::Python,
    Language::Lua,
    Language::LuaPage,
    Language::Ucode,
    Language::UcodePage,
];

fuzz_target!(|data: &[u8]| {
    let Some((language, text)) = data.split_first() else { return };
    let _ = (Language::of_head(text), Language::of_name(text));
    let Some(mut scripts) = Scripts::new(LANGUAGES[usize::from(*language) % LANGUAGES.len()]) else { return };
    for byte in text {
        if scripts.push(*byte).is_some() {
            let _ = scripts.text();
        }
    }
    let _ = (scripts.finish(), scripts.cut());
});
