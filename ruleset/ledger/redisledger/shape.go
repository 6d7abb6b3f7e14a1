package redisledger

import (
	"bytes"
	"crypto/sha1"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"text/template"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// A shape is what a call does and the tallies that it charges. A ruleset makes
// a few of them, over and over, so each has a script of its own, with the
// numbers of its limits in place; a script depends on these alone, so all
// gates with the same limits use the same. Servers keep the scripts that they
// have seen, so only shapesMost of them are made; for shapes beyond that, and
// for calls that are not ordinary, there is one script that is told the shape.

var (
	//go:embed begin.lua
	beginLua string
	//go:embed fast.lua
	fastLua string
	//go:embed charge.lua
	chargeLua string
	//go:embed settle.lua
	settleLua string
)

// script is a Lua script and the name that servers know it by.
type script struct{ text, sha string }

func newScript(text string) script {
	sum := sha1.Sum([]byte(text))
	return script{text, hex.EncodeToString(sum[:])}
}

var (
	chargeScript = newScript(beginLua + `
local mode, shape, also = ARGV[5], {}, ARGV[7]
if #KEYS > 2 then
  shape = cjson.decode(ARGV[6])
end
` + chargeLua)
	settleScript = newScript(settleLua)
)

const (
	shapesMost = 64  // scripts of a ledger
	knownMost  = 512 // shapes that are remembered; old rulesets leave some behind
	partsMost  = 24  // charges of a shape that has a script
)

// shape is made once for all calls alike.
type shape struct {
	mode    string
	tallies []*ledger.Tally
	parts   []part
	json    string // for the script that is told
	script  script // empty if it has none
	own     int    // bytes that the charges have of their own
}

// Formats of counters, as in charge.lua.
const (
	events  = 0 // all limits are exact
	wide    = 2 // some limits are wide, or it counts attempts
	members = 4 // distinct
	sums    = 6 // of a period
)

// part is a tally as the scripts see it. Times are milliseconds.
type part struct {
	Kind    int    `json:"kind"`
	Count   int    `json:"count"`
	Most    int    `json:"most"`    // that exact limits read
	Keep    int    `json:"keep"`    // the code for how long it is kept
	TTL     int64  `json:"ttl"`     // of its keys, after an event
	Longest int64  `json:"longest"` // window
	Cell    int64  `json:"cell"`    // the smallest
	Own     int    `json:"own"`     // where it stands what the charge has of its own, from 1
	Limits  []rule `json:"limits"`

	bounds *atomic.Pointer[bounds]
}

// rule is a limit as the scripts see it.
type rule struct {
	Max    int64 `json:"max"`
	Window int64 `json:"window"`
	Ban    int64 `json:"ban"`
	Shadow bool  `json:"shadow"`
	Cell   int64 `json:"cell"` // 0 is exact
}

// keepOf is how long something with a code is kept after each event: steps of
// 7 %, so that one byte reaches from a second to more than a year.
func keepOf(code int) int64 { return int64(math.Ceil(1000 * math.Pow(2, float64(code)/10))) }

func keepCode(longest int64) int {
	for code := range 255 {
		if keepOf(code) >= longest {
			return code
		}
	}
	return 255
}

// partOf returns t as the scripts see it.
func partOf(t *ledger.Tally) part {
	p := part{Kind: events, Count: int(min(t.Count, ledger.Refusals))}
	switch {
	case t.Period != ledger.Sliding:
		p.Kind = sums
	case t.Distinct:
		p.Kind = members
	case t.Count.Attempts():
		p.Kind = wide
	}
	for i := range t.Limits {
		l := &t.Limits[i]
		r := rule{Max: l.Max, Window: millis(l.Window), Ban: millis(l.Ban), Shadow: l.Shadow}
		if p.Kind != sums && p.Kind != members && (l.Max > ledger.MaxExact || t.Count.Attempts()) {
			p.Kind = wide
			r.Cell = max(l.Window.Milliseconds()/ledger.Cells, 1)
			if p.Cell == 0 || r.Cell < p.Cell {
				p.Cell = r.Cell
			}
		} else if p.Kind != sums {
			r.Max = min(r.Max, ledger.MaxExact)
			p.Most = max(p.Most, int(r.Max))
		}
		if r.Shadow {
			r.Ban = 0
		}
		p.Longest = max(p.Longest, r.Window)
		p.Limits = append(p.Limits, r)
	}
	switch p.Kind {
	case sums:
		p.bounds = new(atomic.Pointer[bounds])
	default:
		p.Keep = keepCode(p.Longest)
		p.TTL = keepOf(p.Keep) + p.Cell + 1 // a run may grow for the length of a cell, and events are written down rounded up
	}
	return p
}

// shapes are the shapes of a ledger.
type shapes struct {
	known atomic.Pointer[map[uint64]*shape]

	mu   sync.Mutex
	made map[string]script
}

// of returns the shape of a call.
func (s *shapes) of(mode string, charges []ledger.Charge) *shape {
	h := uint64(mode[0])
	for i := range charges {
		h = h*0x9e3779b97f4a7c15 ^ charges[i].Tally.Seed[0]
	}
	if known := s.known.Load(); known != nil {
		if sh := (*known)[h]; sh != nil && sh.is(mode, charges) {
			return sh
		}
	}
	sh := newShape(mode, charges)
	s.mu.Lock()
	defer s.mu.Unlock()
	sh.script = s.scriptOf(sh)
	more := make(map[uint64]*shape)
	if known := s.known.Load(); known != nil && len(*known) < knownMost {
		maps.Copy(more, *known)
	}
	more[h] = sh // in place of the one with the limits of before
	s.known.Store(&more)
	return sh
}

// scriptOf returns the script of a shape, if it has one.
func (s *shapes) scriptOf(sh *shape) script {
	if sh.mode == putBack || len(sh.parts) > partsMost {
		return script{}
	}
	made, ok := s.made[sh.mode+sh.json]
	if !ok && len(s.made) < shapesMost {
		made = newScript(sh.write())
		if s.made == nil {
			s.made = make(map[string]script)
		}
		s.made[sh.mode+sh.json] = made
	}
	return made
}

// is reports whether a call has this shape.
func (s *shape) is(mode string, charges []ledger.Charge) bool {
	if s.mode != mode || len(s.tallies) != len(charges) {
		return false
	}
	for i := range charges {
		if s.tallies[i] != charges[i].Tally {
			return false
		}
	}
	return true
}

func newShape(mode string, charges []ledger.Charge) *shape {
	s := &shape{mode: mode, parts: make([]part, 0, len(charges))}
	for i := range charges {
		p := partOf(charges[i].Tally)
		p.Own = s.own + 1
		switch p.Kind {
		case members:
			s.own += memberSize
		case sums:
			s.own += sumSize
		}
		s.tallies = append(s.tallies, charges[i].Tally)
		s.parts = append(s.parts, p)
	}
	text, err := json.Marshal(s.parts)
	if err != nil {
		panic(err) // numbers and booleans
	}
	s.json = string(text)
	return s
}

var fastTemplate = template.Must(template.New("fast").Funcs(template.FuncMap{
	"add": func(a, b int64) int64 { return a + b },
	"sub": func(a, b int64) int64 { return a - b },
	"mul": func(a, b int64) int64 { return a * b },
}).Parse(fastLua))

// fast is what fast.lua is filled in with.
type fast struct {
	Parts      []fastPart
	Asks       bool
	Hold, Held bool   // there is a key for a hold; something is held
	Writes     bool   // something may be charged
	Charged    string // when
	Guarded    bool   // some charges have a condition beside that
	Sums       bool
	HeldWindow int64
}

type fastPart struct {
	I, Key          int
	What            string
	Format, Keep    int
	Head            string
	Log, Wide       bool
	Members, Sum    bool
	Most, Cell, Own int64
	Longest, TTL    int64
	Never           string
	Charged         bool
	Guard           string
	Limits          []fastLimit
}

type fastLimit struct {
	rule
	Charge, Index int
	Requests      bool
}

func (f fast) HeldTTL() int64 { return f.HeldWindow + 1 }
func (f fast) MaxHeld() int64 { return millis(ledger.MaxHeld) }

// write writes the script of a shape.
func (s *shape) write() string {
	f := fast{Hold: s.mode == reserve, Asks: s.mode != count, Charged: "not refused"}
	requests := slices.ContainsFunc(s.parts, func(p part) bool { return p.Count == int(ledger.Requests) })
	switch {
	case s.mode == count:
		f.Charged = "true"
	case requests:
		f.Charged = "not full"
		f.Guarded = s.mode == reserve
	}
	for i, p := range s.parts {
		t := s.tallies[i]
		fp := fastPart{
			I: i + 1, Key: i + 3, Format: p.Kind, Keep: p.Keep, Head: fmt.Sprintf(`\%03d\%03d`, p.Kind, p.Keep),
			Log: p.Kind == events, Wide: p.Kind == wide, Members: p.Kind == members, Sum: p.Kind == sums,
			Most: int64(p.Most), Cell: p.Cell, Own: int64(p.Own), Longest: p.Longest, TTL: p.TTL, Never: "-1e15",
			What: [...]string{"sends", "unverified", "requests", "other attempts"}[p.Count],
		}
		switch sends := p.Count < int(ledger.Requests); {
		case sends:
			fp.Charged = s.mode == reserve
			if f.Guarded {
				fp.Guard = "not refused"
			}
		case p.Count == int(ledger.Requests):
			fp.Charged = s.mode == reserve || s.mode == look
		default:
			fp.Charged = s.mode == count
		}
		if fp.Charged {
			f.Writes = true
		}
		if fp.Charged && s.mode == reserve && !t.Count.Attempts() {
			f.Held = true
			f.Sums = f.Sums || fp.Sum
			f.HeldWindow = max(f.HeldWindow, p.Longest)
		}
		for j, r := range p.Limits {
			fp.Limits = append(fp.Limits, fastLimit{rule: r, Charge: i, Index: j, Requests: p.Count == int(ledger.Requests)})
		}
		f.Parts = append(f.Parts, fp)
	}
	var b bytes.Buffer
	b.WriteString(beginLua)
	if err := fastTemplate.Execute(&b, f); err != nil {
		panic(err) // the template does not fit its data
	}
	fmt.Fprintf(&b, "local mode, shape, also = '%s', cjson.decode('%s'), ''\n", s.mode, s.json)
	b.WriteString(chargeLua)
	return b.String()
}

// bounds are those of the period that somebody asked in, and of the ones
// before and after.
type bounds [4]time.Time

// around returns the bounds around at.
func (p *part) around(t *ledger.Tally, at time.Time) *bounds {
	if b := p.bounds.Load(); b != nil && !at.Before(b[1]) && at.Before(b[2]) {
		return b
	}
	b := new(bounds)
	b[1], b[2] = t.Bounds(at)
	b[0], _ = t.Bounds(b[1].Add(-time.Millisecond))
	_, b[3] = t.Bounds(b[2])
	p.bounds.Store(b)
	return b
}

// millis returns d in milliseconds, rounded up.
func millis(d time.Duration) int64 { return int64((d + time.Millisecond - 1) / time.Millisecond) }
