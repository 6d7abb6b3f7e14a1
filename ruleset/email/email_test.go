package email

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSpellingsOfOneAddress(t *testing.T) {
	for key, spellings := range map[string][]string{
		"alice@example.com":  {"alice@example.com", "Alice@Example.COM", "alice+shop@example.com", "alice+a+b@example.com", "alice@example.com.", "ALICE+@example.com"},
		"alicebob@gmail.com": {"alice.bob@gmail.com", "AliceBob@googlemail.com", "a.l.i.c.e.b.o.b+x@GoogleMail.com.", "alicebob@gmail.com"},
		"a.b@example.org":    {"a.b@example.org", "A.b+c.d@example.org", "a.b.+c@example.org"},
		"post@xn--bcher-kva.example": {"post@bücher.example", "post@BÜCHER.example", "post@xn--bcher-kva.example", "post@XN--BCHER-KVA.example",
			"post@bu\u0308cher.example", "post@bücher。example"},
		"o'brien@sub.example.net": {"O'Brien@sub.example.net"},
		"k@example.com":           {"k@ｅｘａｍｐｌｅ.com"},
	} {
		for _, s := range spellings {
			a, err := Parse(s)
			if err != nil || a.Key() != key {
				t.Errorf("Parse(%q) = %q, %v; want %q", s, a.Key(), err, key)
			}
			if want := key[strings.Index(key, "@")+1:]; a.Domain() != want {
				t.Errorf("Domain of %q = %q, want %q", s, a.Domain(), want)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	for _, row := range []struct {
		name, raw string
		want      error
	}{
		{"nothing", "", ErrMissing},
		{"no at", "alice.example.com", ErrAt},
		{"two ats", "alice@evil.example@example.com", ErrAt},
		{"quoted at", `"a@b"@example.com`, ErrAt},
		{"quoted local", `"alice"@example.com`, ErrLocal},
		{"comment", "alice(x)@example.com", ErrLocal},
		{"comment in the domain", "alice@example.com(x)", ErrDomain},
		{"display name", "Alice <alice@example.com>", ErrLocal},
		{"angle brackets", "<alice@example.com>", ErrLocal},
		{"list", "alice@example.com,bob@example.com", ErrAt},
		{"leading space", " alice@example.com", ErrLocal},
		{"trailing space", "alice@example.com ", ErrDomain},
		{"line break", "alice@example.com\r\nBcc: bob", ErrDomain},
		{"NUL", "alice\x00@example.com", ErrLocal},
		{"tab", "al\tice@example.com", ErrLocal},
		{"non-ASCII local", "älice@example.com", ErrLocal},
		{"zero-width space", "ali\u200bce@example.com", ErrLocal},
		{"full-width at", "alice＠example.com", ErrAt},
		{"full-width at in the domain", "alice@b＠example.com", ErrDomain},
		{"leading dot", ".alice@example.com", ErrLocal},
		{"two dots", "a..b@example.com", ErrLocal},
		{"final dot", "alice.@example.com", ErrLocal},
		{"only a tag", "+tag@example.com", ErrLocal},
		{"only dots and a tag at Gmail", ".+tag@gmail.com", ErrLocal},
		{"empty local", "@example.com", ErrLocal},
		{"empty domain", "alice@", ErrDomain},
		{"no dot", "alice@localhost", ErrDomain},
		{"two final dots", "alice@example.com..", ErrDomain},
		{"only a dot", "alice@.", ErrDomain},
		{"empty label", "alice@example..com", ErrDomain},
		{"hyphen first", "alice@-example.com", ErrDomain},
		{"underscore", "alice@exa_mple.com", ErrDomain},
		{"literal", "alice@[192.0.2.1]", ErrDomain},
		{"IPv4", "alice@192.0.2.1", ErrDomain},
		{"broken punycode", "alice@xn--a.example", ErrDomain},
		{"invalid UTF-8", "alice@ex\xffample.com", ErrDomain},
		{"long local", strings.Repeat("a", 65) + "@example.com", ErrLong},
		{"long label", "alice@" + strings.Repeat("a", 64) + ".com", ErrDomain},
		{"long", "alice@" + strings.Repeat("abcdefg.", 31) + "example", ErrDomain},
		{"very long", "alice@" + strings.Repeat("a.", 1000) + "com", ErrLong},
		{"longest domain, too long an address", strings.Repeat("l", 60) + "@" + strings.Repeat("abcdefg.", 25) + "com", ErrLong},
	} {
		a, err := Parse(row.raw)
		if !errors.Is(err, row.want) || !a.IsZero() {
			t.Errorf("%s: Parse = %q, %v; want %v", row.name, a.Key(), err, row.want)
		}
	}
}

func TestAddressIsMaskedHoweverItIsPrinted(t *testing.T) {
	a, err := Parse("alice.secret@example.com")
	if err != nil {
		t.Fatal(err)
	}
	type holder struct{ A Address }
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "a", a, "h", holder{a})
	asJSON, _ := json.Marshal(holder{a})
	all := fmt.Sprintf("%v %+v %#v %s %q %x %d %t %v %+v %#v %v", a, a, a, a, a, a, a, a, holder{a}, &a, holder{a}, []Address{a}) + string(asJSON) + log.String()
	if strings.Contains(all, "lice") || strings.Contains(all, "secret") || strings.Contains(all, "6c696365") {
		t.Errorf("not masked: %s", all)
	}
	if got := a.String(); got != "a***@example.com" {
		t.Errorf("String = %q", got)
	}
	one, _ := Parse("a@example.com")
	if got := one.String(); got != "***@example.com" {
		t.Errorf("String of one letter = %q", got)
	}
	if got := (Address{}).String(); got != "" || !(Address{}).IsZero() {
		t.Errorf("String of none = %q", got)
	}
}

func TestKeyIsAFixedPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.StringMatching(`[a-zA-Z0-9.+'_-]{1,12}@([a-zA-Z0-9ü-]{1,8}\.){1,3}[a-z.]{2,4}`).Draw(t, "raw")
		a, err := Parse(raw)
		if err != nil {
			return
		}
		again, err := Parse(a.Key())
		if err != nil || again != a {
			t.Fatalf("Parse(%q) = %q, %v", a.Key(), again.Key(), err)
		}
	})
}

func FuzzEmail(f *testing.F) {
	for _, s := range []string{"alice@example.com", "A.B+c@googlemail.com", "post@bücher.example", "a@xn--bcher-kva.example.", `"q"@example.com`, "a@b@c.d", "", "a@。com", "a@\u00adexample.com"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := Parse(raw)
		if err != nil {
			if len(raw) > 5 && strings.Contains(err.Error(), raw) && !strings.Contains("the address is malformed too long domain", raw) {
				t.Fatalf("the error holds what was sent: %v", err)
			}
			return
		}
		again, err := Parse(a.Key())
		if err != nil || again != a {
			t.Fatalf("the key of %q is %q, which parses to %q, %v", raw, a.Key(), again.Key(), err)
		}
		if std, err := mail.ParseAddress(a.Key()); err != nil || std.Address != a.Key() || std.Name != "" {
			t.Fatalf("net/mail reads %q as %v, %v", a.Key(), std, err)
		}
		if len(a.Key()) > maxAddress || strings.ToLower(a.Key()) != a.Key() {
			t.Fatalf("key %q", a.Key())
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if a, err := Parse("Alice.Example+tag@gmail.com"); err != nil || a.Key() != "aliceexample@gmail.com" {
			b.Fatal(a.Key(), err)
		}
	}
}

func ExampleParse() {
	for _, s := range []string{"Alice.B+news@GoogleMail.com", "aliceb@gmail.com"} {
		a, err := Parse(s)
		fmt.Println(a, a.Key(), err)
	}
	// Output:
	// a***@gmail.com aliceb@gmail.com <nil>
	// a***@gmail.com aliceb@gmail.com <nil>
}
