package scenario

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/otpgate/otpgate/ruleset/internal/strict"
)

// defaultIP is the client where none is said. noIP is one that is not known.
const (
	defaultIP = "192.0.2.7"
	noIP      = "none"
)

// crowd is what the steps that ask have in common: who asks whom, how often.
type crowd struct {
	name   string // of the requests; empty if they have none
	gate   string // empty for the first
	values map[string]spread
	spread int // how many values stand in braces; 0 if none do
	times  int
	every  time.Duration
}

// value returns what the i-th request brings of one kind.
func (c *crowd) value(key string, i int) (string, bool) {
	v, ok := c.values[key]
	return v.at(i), ok
}

// client returns where the i-th request comes from.
func (c *crowd) client(i int) netip.Addr {
	text, ok := c.value("ip", i)
	if !ok {
		text = defaultIP
	}
	addr, _ := netip.ParseAddr(text) // checked when read; the zero Addr is not known
	return addr
}

var askWords = []string{"phone", "ip", "device", "email", "proof", "ua", "method", "host", "path", "shape", "handle", "session"}

// crowd reads the name and the words of a step that asks. Where a file is
// wanted it is the first word without an equals sign that has a dot.
func (l *stepLine) crowd(accepted []string, wantsFile bool) (c crowd, file word) {
	c = crowd{values: make(map[string]spread), times: 1}
	times := word{}
	for _, w := range l.rest {
		switch {
		case w.key == "" && wantsFile && strings.Contains(w.text, ".") && file.text == "":
			file = w
		case w.key == "" && c.name == "" && len(c.values) == 0:
			c.name = l.newName(w)
		case w.key == "times":
			n, err := strconv.Atoi(w.text)
			if err != nil || n < 1 || n > maxSpread {
				l.fail(w.value, fmt.Sprintf("%q is not a number of times: use 1 to %d", w.text, maxSpread), "")
				continue
			}
			times, c.times = w, n
		case w.key == "every":
			var d strict.Duration
			if err := d.ParseText(w.text); err != nil {
				l.fail(w.value, err.Error(), "")
			}
			c.every = d.Duration()
		case w.key == "gate":
			c.gate = w.text
		case slices.Contains(accepted, w.key):
			l.value(&c, w)
		default:
			l.unknown(w, append(slices.Clone(accepted), "gate", "times", "every"))
		}
	}
	if c.spread > 0 {
		if times.text != "" {
			l.fail(times.column, "times does not go with values in braces, which say how often themselves", "")
		}
		c.times = c.spread
	}
	if l.lasts(1, c.every, c.times) {
		l.now += time.Duration(c.times-1) * c.every
	}
	return c, file
}

// longest is how long a story may last, and a step in it.
const longest = 10 * 366 * 24 * time.Hour

// lasts objects to times beyond any story.
func (l *stepLine) lasts(column int, d time.Duration, times int) bool {
	if d > longest/time.Duration(times) {
		l.fail(column, "a story lasts ten years at most", "")
		return false
	}
	return true
}

// value takes in one value of a request.
func (l *stepLine) value(c *crowd, w word) {
	if _, ok := c.values[w.key]; ok {
		l.fail(w.column, fmt.Sprintf("%s is said twice", w.key), "")
		return
	}
	v := spread{before: w.text}
	if !w.quoted {
		var err error
		if v, err = parseSpread(w.text); err != nil {
			l.fail(w.value, err.Error(), "")
			return
		}
	}
	for i := range max(1, len(v.words)) {
		switch text := v.at(i); w.key {
		case "ip":
			if _, err := netip.ParseAddr(text); err != nil && text != noIP {
				l.fail(w.value, fmt.Sprintf("%q is not an address, or %s", text, noIP), "")
				return
			}
		case "proof":
			if !w.quoted && !isProof(text) {
				l.fail(w.value, fmt.Sprintf("%q is not a proof", text), "accepted: "+strings.Join(proofWords, ", "))
				return
			}
		case "method":
			if _, err := http.NewRequest(text, "/", nil); err != nil {
				l.fail(w.value, fmt.Sprintf("%q is not a method", text), "")
				return
			}
		case "path":
			if _, err := http.NewRequest(http.MethodPost, text, nil); err != nil || !strings.HasPrefix(text, "/") {
				l.fail(w.value, fmt.Sprintf("%q is not a path: it begins with /", text), "")
				return
			}
		}
	}
	if n := len(v.words); n > 0 {
		if c.spread > 0 && c.spread != n {
			l.fail(w.value, fmt.Sprintf("%d values, where another word has %d: they have to be as many", n, c.spread), "")
		}
		c.spread = n
	}
	c.values[w.key] = v
}
