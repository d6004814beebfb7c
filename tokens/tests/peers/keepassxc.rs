//! The CSV export of KeePassXC.

use std::fs;

use keyfob_tokens::{Format, Keys, Token, UriWriter, read};

use crate::peer::{code, file, oathtool, output, samples};

fn entry(number: usize, title: &str, uri: Option<&str>) -> String {
    let id = data_encoding::BASE64.encode(&[u8::try_from(number + 2).expect("small"); 16]);
    let otp = uri.map(|uri| format!("<String><Key>otp</Key><Value>{}</Value></String>", uri.replace('&', "&amp;")));
    let otp = otp.unwrap_or_default();
    format!(
        "<Entry><UUID>{id}</UUID><String><Key>Title</Key><Value>{title}</Value></String>\
         <String><Key>UserName</Key><Value>user{number}</Value></String>\
         <String><Key>Notes</Key><Value>two lines,\n\"quoted\"</Value></String>\
         {otp}</Entry>"
    )
}

#[test]
fn keepassxc_exports_are_read() {
    // It knows TOTP alone, with 6 to 8 digits, and periods up to 60.
    let mut tokens = samples();
    tokens.retain(|token| token.counter.is_none());
    let mut entries = vec![entry(100, "no token", None)];
    for (number, token) in tokens.iter().enumerate() {
        let mut writer = UriWriter::new(Vec::new());
        writer.write(token).expect("a URI");
        let uri = String::from_utf8(writer.finish().expect("a list")).expect("UTF-8");
        entries.push(entry(number, &format!("Title, \"{number}\""), Some(uri.trim())));
    }
    let database = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><KeePassFile><Meta><Generator>test</Generator></Meta><Root>\
         <Group><UUID>{}</UUID><Name>Root</Name>{}</Group></Root></KeePassFile>",
        data_encoding::BASE64.encode(&[1; 16]),
        entries.concat()
    );
    let (xml, kdbx) = (file("keepassxc.xml"), file("keepassxc.kdbx"));
    fs::write(&xml, database).expect("a file");
    output("keepassxc-cli", &["import", "--quiet", "--set-password", &xml, &kdbx], "password\npassword\n");
    let csv = output("keepassxc-cli", &["export", "--quiet", "--format", "csv", &kdbx], "password\n");

    assert_eq!(Format::detect(csv.as_bytes()), Some(Format::KeePassXc));
    let read: Vec<Token> = read(Format::KeePassXc, csv.as_bytes(), &Keys::new()).map(|entry| entry.expect("a token")).collect();
    assert_eq!(read.len(), tokens.len());
    for (number, (read, token)) in read.iter().zip(&tokens).enumerate() {
        assert_eq!((code(read), &read.secret), (code(token), &token.secret));
        assert_eq!(code(read), oathtool(read));
        assert_eq!(read.issuer, Some(format!("Title, \"{number}\"")));
        assert_eq!(read.account, Some(format!("user{number}")));
    }
}
