package caddymodule

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/otpgate/otpgate/ruleset"
)

//go:embed page.html
var pageSource string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// pagePolicy lets the page show its own style and nothing else: it loads
// nothing, runs nothing, and cannot be framed.
var pagePolicy = func() string {
	_, rest, _ := strings.Cut(pageSource, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// appendPage appends the refusal as a page for a person.
func appendPage(b []byte, code ruleset.Code, wait time.Duration, id string) []byte {
	out := bytes.NewBuffer(b)
	pageTemplate.Execute(out, struct{ Title, Text, Wait, ID string }{
		code.Title(), pageText(code), inWords(wait), id,
	}) // a bytes.Buffer takes everything
	return out.Bytes()
}

// pageText says to a person what happened and what could help, and no more
// than the code does.
func pageText(code ruleset.Code) string {
	switch code {
	case ruleset.Closed:
		return "Codes are not being sent at the moment."
	case ruleset.BadRequest:
		return "Your request could not be read. Go back and try again."
	case ruleset.PhoneMissing:
		return "Go back and enter your phone number."
	case ruleset.PhoneInvalid:
		return "This is not a phone number that a code could be sent to. Go back and check it."
	case ruleset.NumberRefused:
		return "Codes are not sent to numbers of this kind. Go back and use another number."
	case ruleset.CountryRefused:
		return "Codes are not sent to where you seem to be."
	case ruleset.NetworkRefused:
		return "Codes are not sent to the network you are using. If you use a VPN or a proxy, turn it off and try again."
	case ruleset.HumanRequired, ruleset.HumanFailed:
		return "We could not see that a person is asking. Go back, reload the page, and try again."
	case ruleset.HumanUnavailable, ruleset.Unavailable:
		return "Something on our side is not working. Try again in a little while."
	case ruleset.TooSoon:
		return "A code was asked for a moment ago."
	case ruleset.TooMany, ruleset.Banned:
		return "Too many codes were asked for."
	case ruleset.EarlyData:
		return "Your request came too early. Reload the page."
	default:
		return "A code was not sent."
	}
}

// inWords writes a time to wait, rounded up, as people say it.
func inWords(wait time.Duration) string {
	switch s := seconds(wait); {
	case s <= 0:
		return ""
	case s < 120:
		return count(s, "second")
	case s < 120*60:
		return count((s+59)/60, "minute")
	default:
		return count((s+3599)/3600, "hour")
	}
}

func count(n int64, unit string) string {
	if n != 1 {
		unit += "s"
	}
	return strconv.FormatInt(n, 10) + " " + unit
}
