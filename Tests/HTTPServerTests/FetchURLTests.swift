import Testing

@testable import HTTPServer

/// Addresses are read as the URL Standard of the WHATWG says.
@Suite struct FetchURLTests {
    @Test(arguments: [
        ("http://h/o/photos%2Fa b.jpg?alt=media", "http://h/o/photos%2Fa%20b.jpg?alt=media"),
        ("http://h/%7Ea%2fb/ü.jpg", "http://h/%7Ea%2fb/%C3%BC.jpg"), ("http://h/a+b.jpg?c+d", "http://h/a+b.jpg?c+d"),
        ("http://h/100%.jpg", "http://h/100%25.jpg"), ("http://h/%zz?%", "http://h/%25zz?%25"),
        ("http://h/a[1].jpg?b[]=2", "http://h/a%5B1%5D.jpg?b%5B%5D=2"),
        ("http://h/{a}|\"b\"<c>^`", "http://h/%7Ba%7D%7C%22b%22%3Cc%3E%5E%60"),
        ("http://h/a.jpg#part?x", "http://h/a.jpg"), ("http://h?x=1", "http://h/?x=1"), ("http://h", "http://h/"),
        ("HTTP://EXAMPLE.com:80/A", "http://example.com/A"), ("https://h:443/", "https://h/"),
        ("https://h:080/", "https://h:80/"),
        ("http://h:/a", "http://h/a"), ("http://h/a/./b/../c", "http://h/a/c"),
        ("http://h/a/%2e%2E/b/%2e", "http://h/b/"),
        ("http://h/../../a", "http://h/a"), ("http://h/a\\b", "http://h/a/b"), ("http://h/a//b", "http://h/a//b"),
        ("http://h/user@x:y/a@b.jpg?c@d", "http://h/user@x:y/a@b.jpg?c@d"),
        ("http://h/?a'b=it's", "http://h/?a%27b=it%27s"),
        ("http://h/a?x=http://g/b?c", "http://h/a?x=http://g/b?c"), ("  http://h/a  ", "http://h/a"),
        ("http://bücher.example/a", "http://xn--bcher-kva.example/a"),
        ("http://BÜCHER.example/", "http://xn--bcher-kva.example/"),
        ("http://例え.テスト/", "http://xn--r8jz45g.xn--zckzah/"),
        ("http://b%C3%BCcher.example/", "http://xn--bcher-kva.example/"),
        ("http://пример.испытание/", "http://xn--e1afmkfd.xn--80akhbyknj4f/"),
        ("http://ｅｘａｍｐｌｅ．ｃｏｍ/", "http://example.com/"),
        ("http://a\u{AD}b.de/", "http://ab.de/"), ("http://127.1/", "http://127.0.0.1/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://2130706433/", "http://127.0.0.1/"), ("http://017700000001/", "http://127.0.0.1/"),
        ("http://１２７.0.0.1/", "http://127.0.0.1/"), ("http://1.2.3.4./", "http://1.2.3.4/"),
        ("http://[::1]:8000/a", "http://[::1]:8000/a"),
        ("http://[::FFFF:1.2.3.4]/", "http://[::ffff:1.2.3.4]/"), ("http://a_b.de/", "http://a_b.de/"),
    ])
    func anAddressIsEncodedWhereItHasToBe(text: String, expected: String) {
        #expect(FetchURL(text)?.text == expected)
        // What was encoded once stays.
        #expect(FetchURL(expected)?.text == expected)
    }

    @Test(arguments: [
        "http://a b/", "http://a%20b/", "http://a<b/", "http://a%00b/", "http://%/", "http://1.2.3.4.5/",
        "http://256.1.1.1/",
        "http://1.2.3.0x1ffff/", "http://[::1/", "http://[::1]x/", "http://[fe80::1%25eth0]/", "http://[1.2.3.4]/",
        "http://[]/",
        "http://h:12a/", "http://h:-1/", "http://h:65536/", "http://u@h/", "http://u:p@h/", "http://@h/",
        "http://h%2f@x/",
        "http://a%40b/", "http://a%2Fb/", "http:/h/", "http:h/", "javascript:x", "blob:http://h/", "http://\u{AD}/",
    ])
    func whatIsNoAddressIsRefused(text: String) {
        #expect(FetchURL(text) == nil)
    }

    @Test(arguments: [
        ("/z.jpg", "http://h:81/z.jpg"), ("z%2F.jpg", "http://h:81/x/z%2F.jpg"),
        ("../z.jpg?a b", "http://h:81/z.jpg?a%20b"),
        ("?q", "http://h:81/x/y%20.jpg?q"), ("", "http://h:81/x/y%20.jpg?p"), ("#f", "http://h:81/x/y%20.jpg?p"),
        ("//g/z", "http://g/z"), ("https://g:444/z", "https://g:444/z"), ("./", "http://h:81/x/"), ("a:b", nil),
        ("ftp://h/", nil),
        ("//u@g/", nil), ("z:80/", nil), ("1:80/", "http://h:81/x/1:80/"),
    ])
    func aRedirectIsRelativeToItsAddress(text: String, expected: String?) throws {
        let base = try #require(FetchURL("http://h:81/x/y .jpg?p"))
        #expect(FetchURL(text, relativeTo: base)?.text == expected)
    }

    @Test func aRuleForAHostMayBeWrittenInItsLetters() throws {
        let policy = AddressPolicy(rules: [try #require(AddressPolicy.Rule("Bücher.example:8080"))])
        let loopback = try #require(IPAddress(text: "127.0.0.1"))
        #expect(policy.allows(host: "xn--bcher-kva.example", port: 8080, addresses: [loopback]))
    }
}
