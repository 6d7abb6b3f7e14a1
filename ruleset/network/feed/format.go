package feed

import (
	"bytes"
	"slices"
	"strings"
)

// Format is a way in which lists are written down.
type Format string

// The formats that Parse knows.
const (
	Plain      Format = "plain"      // an address, network, range or AS number on each line; # and ; begin a comment
	TorExits   Format = "tor"        // Tor's exit-addresses; the bulk exit list is plain
	CSV        Format = "csv"        // with a header, or with the first and last address in front
	Geofeed    Format = "geofeed"    // RFC 8805: network, country, region, city, postal code
	JSON       Format = "json"       // any other JSON: its strings that are addresses
	AWS        Format = "aws"        // ip-ranges.json
	Google     Format = "google"     // goog.json, cloud.json and those made like them
	Azure      Format = "azure"      // service tags
	Oracle     Format = "oracle"     // public_ip_ranges.json
	Fastly     Format = "fastly"     // public-ip-list
	GitHub     Format = "github"     // api.github.com/meta
	Cloudflare Format = "cloudflare" // api.cloudflare.com/client/v4/ips; its text lists are plain
	Spamhaus   Format = "spamhaus"   // DROP as lines of JSON; its text lists are plain
)

// Formats are all formats, the general ones first.
var Formats = []Format{Plain, CSV, JSON, Geofeed, TorExits, AWS, Google, Azure, Oracle, Fastly, GitHub, Cloudflare, Spamhaus}

// Known reports whether f is one of Formats.
func (f Format) Known() bool { return slices.Contains(Formats, f) }

// is reports whether a file of format f will do for somebody who was told to
// expect another. A geofeed is CSV, and the providers' files are JSON.
func (f Format) is(told Format) bool {
	switch told {
	case "", f:
		return true
	case CSV:
		return f == Geofeed
	case JSON:
		return slices.Contains(Formats[slices.Index(Formats, AWS):], f)
	}
	return false
}

// kind is what a file is at first sight. All but kindText and kindJSON are no
// lists, and their text says so.
type kind string

const (
	kindText   kind = "text"
	kindJSON   kind = "JSON"
	kindEmpty  kind = "it is empty"
	kindMarkup kind = "it is a web page or XML, not a list"
	kindUTF16  kind = "it is UTF-16: want UTF-8"
	kindBinary kind = "it is an archive, a database or another binary file, not a list"
)

func (k kind) reason() Reason {
	if k == kindEmpty {
		return Empty
	}
	return NotAList
}

// kindOf judges by the first bytes of a file, at most maxLine of them.
func kindOf(start []byte) kind {
	if bytes.HasPrefix(start, []byte("\xff\xfe")) || bytes.HasPrefix(start, []byte("\xfe\xff")) {
		return kindUTF16
	}
	if bytes.IndexByte(start, 0) >= 0 || bytes.HasPrefix(start, []byte("PK\x03\x04")) {
		return kindBinary
	}
	text := bytes.TrimLeft(start, blanks)
	switch {
	case len(text) == 0 && len(start) < maxLine:
		return kindEmpty
	case len(text) == 0:
		return kindText
	case text[0] == '<':
		return kindMarkup
	case text[0] == '{', text[0] == '[':
		return kindJSON
	}
	return kindText
}

const blanks = " \t\r\n\v\f"

// asnText takes the number out of "AS64496", in either case.
func asnText(s string) (string, bool) {
	if len(s) > 2 && strings.EqualFold(s[:2], "as") && s[2] >= '0' && s[2] <= '9' {
		return s[2:], true
	}
	return "", false
}
