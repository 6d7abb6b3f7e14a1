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

// stepLine is a step while it is read.
type stepLine struct {
	*parser
	line   int
	rest   []word // behind the verb
	failed bool
}

func (l *stepLine) fail(column int, message, hint string) {
	l.src.Error(strict.Pos{Line: l.line, Column: column}, message, hint)
	l.failed = true
}

var verbWords = []string{"ask", "send", "app", "verified", "wrong", "rules", "gate", "ledger", "count"}

// verbs read what stands behind them. They return nil if it cannot be read.
var verbs map[string]func(*stepLine) action

func init() {
	verbs = map[string]func(*stepLine) action{
		"ask": readAsk, "send": readSend, "app": readApp, "verified": readVerified, "wrong": readWrong,
		"rules": readRules, "gate": readGate, "ledger": readLedger, "count": readCount,
	}
}

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

var askWords = []string{"phone", "ip", "device", "email", "proof", "ua", "method", "host", "path"}

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

func (l *stepLine) unknown(w word, accepted []string) {
	name := w.key
	if name == "" {
		name = w.text
	}
	l.fail(w.column, fmt.Sprintf("unknown word %q", name), "accepted: "+strings.Join(accepted, ", "))
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

// newName gives a name to requests. It can be used once.
func (l *stepLine) newName(w word) string {
	if l.named[w.text] {
		l.fail(w.column, fmt.Sprintf("a request is called %q already", w.text), "")
	}
	l.named[w.text] = true
	return w.text
}

// oldName reads the name of requests that have been made, and nothing else but
// so many further words.
func (l *stepLine) oldName(further int) (string, bool) {
	if len(l.rest) == 0 || l.rest[0].key != "" {
		l.fail(1, "the name of a request is missing", "as in app a 200")
		return "", false
	}
	if w := l.rest[0]; !l.named[w.text] {
		l.fail(w.column, fmt.Sprintf("no request before is called %q", w.text), "")
		return "", false
	}
	return l.rest[0].text, l.exactly(1 + further)
}

// exactly objects to words too many or too few.
func (l *stepLine) exactly(n int) bool {
	switch {
	case len(l.rest) > n:
		w := l.rest[n]
		l.fail(w.column, "nothing is expected here", "the answer stands behind "+arrow)
	case len(l.rest) < n:
		l.fail(1, "something is missing", "see the verb in the documentation of stories")
	}
	return len(l.rest) == n
}

func readAsk(l *stepLine) action {
	l.needGate()
	c, _ := l.crowd(askWords, false)
	return &ask{c}
}

func readSend(l *stepLine) action {
	l.needGate()
	c, file := l.crowd([]string{"ip"}, true)
	s := l.story.sections[file.text]
	switch {
	case file.text == "":
		l.fail(1, "the section to send is missing", "as in send signup.http ip=192.0.2.7")
		return nil
	case s == nil:
		l.fail(file.column, fmt.Sprintf("there is no section %q", file.text), "")
		return nil
	}
	s.used = true
	raw, problem := s.request()
	if problem != nil {
		l.src.Error(strict.Pos{Line: problem.line, Column: 1}, problem.message, "")
		l.failed = true
		return nil
	}
	return &send{c, raw}
}

// needGate objects to steps that ask before there is a gate.
func (l *stepLine) needGate() {
	if !l.gates {
		l.fail(1, "there is no gate yet", "add a section -- rules.yaml --, or begin with 0s gate FILE")
	}
}

func readApp(l *stepLine) action {
	name, ok := l.oldName(1)
	if !ok {
		return nil
	}
	w := l.rest[1]
	switch status, err := strconv.Atoi(w.text); {
	case w.key == "" && w.text == "none":
		return &app{name, noAnswer}
	case w.key == "" && w.text == "refused":
		return &app{name, noConnection}
	case w.key == "" && err == nil && status >= 200 && status <= 599:
		return &app{name, status}
	}
	l.fail(w.column, fmt.Sprintf("%q is no answer of an app", w.text), "accepted: a status from 200 to 599, none, refused")
	return nil
}

func readVerified(l *stepLine) action {
	name, ok := l.oldName(0)
	if !ok {
		return nil
	}
	return &verified{name}
}

func readWrong(l *stepLine) action {
	name, ok := l.oldName(0)
	if !ok {
		return nil
	}
	return &wrong{name}
}

// file reads the name of a ruleset.
func (l *stepLine) file() (string, bool) {
	if len(l.rest) == 0 || l.rest[0].key != "" {
		l.fail(1, "the ruleset's file is missing", "as in rules rules2.yaml")
		return "", false
	}
	l.use(l.rest[0].text)
	return l.rest[0].text, true
}

func readRules(l *stepLine) action {
	l.needGate()
	file, ok := l.file()
	if !ok {
		return nil
	}
	r := &rules{file: file}
	for _, w := range l.rest[1:] {
		if w.key != "gate" {
			l.unknown(w, []string{"gate"})
			continue
		}
		r.gate = w.text
	}
	return r
}

func readGate(l *stepLine) action {
	file, ok := l.file()
	if !ok || !l.exactly(1) {
		return nil
	}
	l.gates = true
	return &open{file}
}

func readLedger(l *stepLine) action {
	if !l.exactly(1) {
		return nil
	}
	switch w := l.rest[0]; w.text {
	case "away", "back":
		return &reach{away: w.text == "away"}
	default:
		l.unknown(w, []string{"away", "back"})
		return nil
	}
}

func readCount(l *stepLine) action {
	if !l.exactly(0) {
		return nil
	}
	return count{}
}
