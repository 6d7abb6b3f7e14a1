package scenario

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/network"
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

// unknown objects to a word that the verb does not know.
func (l *stepLine) unknown(w word, accepted []string) {
	name := w.key
	if name == "" {
		name = w.text
	}
	l.fail(w.column, fmt.Sprintf("unknown word %q", name), "accepted: "+strings.Join(accepted, ", "))
}

var verbWords = []string{"ask", "send", "app", "verified", "wrong", "rules", "gate", "feed", "risk", "secret", "ledger", "count"}

// verbs read what stands behind them. They return nil if it cannot be read.
var verbs map[string]func(*stepLine) action

func init() {
	verbs = map[string]func(*stepLine) action{
		"ask": readAsk, "send": readSend, "app": readApp, "verified": readVerified, "wrong": readWrong,
		"rules": readRules, "gate": readGate, "feed": readFeed, "risk": readRisk, "secret": readSecret, "ledger": readLedger, "count": readCount,
	}
}

// newName gives a name to requests. It can be used once.
func (l *stepLine) newName(w word) string {
	if l.named[w.text] {
		l.fail(w.column, fmt.Sprintf("a request is called %q already", w.text), "")
	}
	l.named[w.text] = true
	return w.text
}

// oldName reads the name of requests that have been made.
func (l *stepLine) oldName() (string, bool) {
	if len(l.rest) == 0 || l.rest[0].key != "" {
		l.fail(1, "the name of a request is missing", "as in app a 200")
		return "", false
	}
	if w := l.rest[0]; !l.named[w.text] {
		l.fail(w.column, fmt.Sprintf("no request before is called %q", w.text), "")
		return "", false
	}
	return l.rest[0].text, true
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
	name, ok := l.oldName()
	if !ok {
		return nil
	}
	if len(l.rest) < 2 {
		l.exactly(2)
		return nil
	}
	w := l.rest[1]
	switch status, err := strconv.Atoi(w.text); {
	case w.key == "" && w.text == "none" && l.exactly(2):
		return &app{name: name, status: noAnswer}
	case w.key == "" && w.text == "refused" && l.exactly(2):
		return &app{name: name, status: noConnection}
	case w.key == "" && err == nil && status >= 200 && status <= 599:
		a := &app{name: name, status: status, header: make(http.Header)}
		for _, w := range l.rest[2:] {
			field, value, found := strings.Cut(w.text, ": ")
			switch {
			case w.key == "body":
				a.body = w.text
			case w.key == "header" && found:
				a.header.Add(field, value)
			case w.key == "header":
				l.fail(w.value, fmt.Sprintf("%q is no field of a header", w.text), `as in header="Location: /login"`)
			default:
				l.unknown(w, []string{"body", "header"})
			}
		}
		return a
	}
	if !l.failed {
		l.fail(w.column, fmt.Sprintf("%q is no answer of an app", w.text), "accepted: a status from 200 to 599, none, refused")
	}
	return nil
}

func readVerified(l *stepLine) action {
	name, ok := l.oldName()
	if !ok || !l.exactly(1) {
		return nil
	}
	return &verified{name}
}

func readWrong(l *stepLine) action {
	name, ok := l.oldName()
	if !ok || !l.exactly(1) {
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

func readFeed(l *stepLine) action {
	l.needGate()
	if len(l.rest) < 2 || l.rest[0].key != "" || l.rest[1].key != "" {
		l.fail(1, "a feed and its file are needed", "as in feed tor exits.txt")
		return nil
	}
	if !l.exactly(2) {
		return nil
	}
	l.use(l.rest[1].text)
	return &fetch{l.rest[0].text, l.rest[1].text}
}

func readRisk(l *stepLine) action {
	for _, w := range l.rest {
		if w.key != "" {
			l.unknown(w, []string{"away", "back", "an address and its score, as in risk 192.0.2.7 87"})
			return nil
		}
	}
	switch {
	case len(l.rest) == 1 && (l.rest[0].text == "away" || l.rest[0].text == "back"):
		return &outage{away: l.rest[0].text == "away"}
	case len(l.rest) < 2:
		l.fail(1, "an address and its score are needed", "as in risk 192.0.2.7 87, risk away, risk back")
		return nil
	case !l.exactly(2):
		return nil
	}
	addr, err := network.ParseAddr(l.rest[0].text)
	if err != nil {
		l.fail(l.rest[0].column, err.Error(), "")
		return nil
	}
	score, err := strconv.ParseFloat(l.rest[1].text, 64)
	if err != nil || math.IsNaN(score) || math.IsInf(score, 0) {
		l.fail(l.rest[1].column, fmt.Sprintf("%q is no score", l.rest[1].text), "a number is accepted")
		return nil
	}
	return &tellScore{addr, score}
}

func readSecret(l *stepLine) action {
	l.needGate()
	if len(l.rest) == 0 || l.rest[0].key != "" {
		l.fail(1, "the secret is missing", "as in secret new also=old")
		return nil
	}
	a := &restart{secret: l.rest[0].text}
	for _, w := range l.rest[1:] {
		switch w.key {
		case "also":
			a.also = w.text
		case "gate":
			a.gate = w.text
		default:
			l.unknown(w, []string{"also", "gate"})
		}
	}
	return a
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
