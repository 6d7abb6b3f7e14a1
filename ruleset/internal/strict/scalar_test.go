package strict

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
		back string
	}{
		{"500ms", 500 * time.Millisecond, "500ms"},
		{"0s", 0, "0s"},
		{"60s", time.Minute, "60s"},
		{"1m", time.Minute, "60s"},
		{"90s", 90 * time.Second, "1m30s"},
		{"15m", 15 * time.Minute, "15m"},
		{"60m", time.Hour, "1h"},
		{"1h30m", 90 * time.Minute, "1h30m"},
		{"24h", 24 * time.Hour, "24h"},
		{"1d", 24 * time.Hour, "24h"},
		{"25h", 25 * time.Hour, "1d1h"},
		{"7d", 7 * 24 * time.Hour, "7d"},
		{"2w", 14 * 24 * time.Hour, "14d"},
		{"1w2d3h4m5s6ms", 219*time.Hour + 4*time.Minute + 5*time.Second + 6*time.Millisecond, "9d3h4m5s6ms"},
	} {
		var d Duration
		if err := d.ParseText(c.text); err != nil || d.Duration() != c.want || d.String() != c.back {
			t.Errorf("%s: %v, %v; want %v, written %s", c.text, d, err, c.want, c.back)
		}
		var again Duration
		if err := again.ParseText(d.String()); err != nil || again != d {
			t.Errorf("%s: written %s, read %v, %v", c.text, d, again, err)
		}
	}
}

func TestDurationRefused(t *testing.T) {
	const want = "want a time such as 60s, 15m, 24h or 7d, got "
	for _, c := range []struct{ text, want string }{
		{"60", want + `"60"; a number needs its unit: 60s`},
		{"", want + `""`},
		{"-60", want + `"-60"`},
		{"-5s", want + `"-5s"`},
		{"1.5h", want + `"1.5h"`},
		{"5 min", want + `"5 min"; say 5m`},
		{"5minutes", want + `"5minutes"; say 5m`},
		{"10 Days", want + `"10 Days"; say 10d`},
		{"1M", want + `"1M"; say 1m`},
		{"30m1h", want + `"30m1h"`},
		{"1month", want + `"1month"`},
		{"99999999999w", `"99999999999w" is too long a time`},
		{"9999999999999999999s", `"9999999999999999999s" is too long a time`},
		{"15250w5000d", `"15250w5000d" is too long a time`},
		{"٣s", want + `"٣s"`},
	} {
		d := Duration(7)
		if err := d.ParseText(c.text); err == nil || err.Error() != c.want || d != 7 {
			t.Errorf("%q: %v %v, want %s", c.text, d, err, c.want)
		}
	}
}

func TestSize(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
		back string
	}{
		{"0B", 0, "0B"}, {"512B", 512, "512B"}, {"16KiB", 16384, "16KiB"}, {"1024KiB", 1 << 20, "1MiB"},
		{"1MB", 1e6, "1MB"}, {"16384B", 16384, "16KiB"}, {"2GiB", 2 << 30, "2GiB"},
	} {
		var z Size
		if err := z.ParseText(c.text); err != nil || z.Bytes() != c.want || z.String() != c.back {
			t.Errorf("%s: %v, %v; want %d, written %s", c.text, z, err, c.want, c.back)
		}
	}
	const want = "want a size such as 16KiB or 1MB, got "
	for _, c := range []struct{ text, want string }{
		{"16384", want + `"16384"; a number needs its unit: 16384B`},
		{"16kb", want + `"16kb"; say 16KiB or 16KB`},
		{"16 K", want + `"16 K"; say 16KiB or 16KB`},
		{"16Ki", want + `"16Ki"; say 16KiB or 16KB`},
		{"-1B", want + `"-1B"`},
		{"1.5MB", want + `"1.5MB"`},
		{"99999999999GiB", `"99999999999GiB" is too large`},
	} {
		var z Size
		if err := z.ParseText(c.text); err == nil || err.Error() != c.want {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
}

func TestNearest(t *testing.T) {
	words := []string{"countries", "match", "unknown", "max_body"}
	for _, c := range []struct{ word, want string }{
		{"country", "countries"}, {"mach", "match"}, {"matchs", "match"}, {"Match", "match"}, {"mathc", "match"},
		{"max-body", "max_body"}, {"body", "max_body"}, {"country_match", "match"}, {"foo", ""}, {"x", ""}, {"", ""},
	} {
		if got := nearest(c.word, words); got != c.want {
			t.Errorf("nearest(%q) = %q, want %q", c.word, got, c.want)
		}
	}
}
