package answer

import (
	"errors"
	"fmt"
	"slices"
)

// Bounds. Sizes are in bytes.
const (
	DefaultMaxBody  = 64 << 10 // where Rules say nothing
	SmallestMaxBody = 1 << 10
	LargestMaxBody  = 1 << 20 // each answer that is read is held in memory up to this
	MaxHandle       = 256     // of a handle; a longer one is none
	maxTargets      = 64      // pointers in all
)

// Rules are what an operator says of answers.
type Rules struct {
	Sent, Unknown, NotSent []Sign
	Handles                []Source // of what names the thing that was begun
	MaxBody                int64    // the most of a body that is read, unpacked. Default: DefaultMaxBody
}

// Reader reads answers by rules. It never changes, and is safe for concurrent use.
type Reader struct {
	signs    [3][]Sign // by what they mean
	noAnswer Meaning
	handles  []Source
	max      int
	root     *node // of all pointers; nil if there are none
	targets  int
	handleAt []int // the targets of handles in the body, by handle
	statuses [lastStatus + 1]status
}

// status is what is known of a status before anything else is seen.
type status struct {
	alone     Meaning // what it means if nothing has to be read
	header    bool    // conditions on the header have to be looked at
	body      bool    // the body has to be read
	maybeSent bool    // a sign of Sent or Unknown may hold
	onlyNot   bool    // certainly NotSent
}

// New returns a reader of answers.
func New(rules Rules) (*Reader, error) {
	r := &Reader{handles: slices.Clone(rules.Handles), max: DefaultMaxBody}
	if rules.MaxBody != 0 {
		if rules.MaxBody < SmallestMaxBody || rules.MaxBody > LargestMaxBody {
			return nil, fmt.Errorf("an answer of %d bytes is not possible: use %d to %d", rules.MaxBody, SmallestMaxBody, LargestMaxBody)
		}
		r.max = int(rules.MaxBody)
	}
	for m, signs := range [...][]Sign{Unknown: rules.Unknown, Sent: rules.Sent, NotSent: rules.NotSent} {
		for _, s := range signs {
			if !s.NoAnswer {
				s.Conditions = slices.Clone(s.Conditions)
				r.signs[m] = append(r.signs[m], s)
			}
		}
	}
	silent := func(s Sign) bool { return s.NoAnswer }
	if slices.ContainsFunc(rules.Sent, silent) {
		return nil, errors.New("no answer cannot mean that a code was sent")
	}
	if slices.ContainsFunc(rules.NotSent, silent) && !slices.ContainsFunc(rules.Unknown, silent) {
		r.noAnswer = NotSent
	}
	r.point()
	if r.targets > maxTargets {
		return nil, fmt.Errorf("%d pointers: more than %d cannot be read", r.targets, maxTargets)
	}
	for code := firstStatus; code <= lastStatus; code++ {
		r.statuses[code] = r.foresee(code)
	}
	return r, nil
}

// point puts all pointers into one tree.
func (r *Reader) point() {
	add := func(s *Source, t target) {
		if s.kind != JSON {
			return
		}
		if r.root == nil {
			r.root = new(node)
		}
		t.index = r.targets
		r.targets++
		r.root.add(s.steps, t)
	}
	for m := range r.signs {
		for i := range r.signs[m] {
			for j := range r.signs[m][i].Conditions {
				c := &r.signs[m][i].Conditions[j]
				c.target = r.targets
				add(&c.Source, target{condition: c})
			}
		}
	}
	r.handleAt = make([]int, len(r.handles))
	for i := range r.handles {
		r.handleAt[i] = r.targets
		add(&r.handles[i], target{})
	}
}

// foresee works out what has to be read of answers of one status.
func (r *Reader) foresee(code int) status {
	var st status
	var certain, possible [3]bool
	for m, signs := range r.signs {
		for _, s := range signs {
			if s.Covers(code) {
				possible[m] = true
				certain[m] = certain[m] || len(s.Conditions) == 0
			}
		}
	}
	st.maybeSent = possible[Sent] || possible[Unknown]
	st.onlyNot = certain[NotSent] && !st.maybeSent
	// In the order in which they hold.
	for _, m := range [...]Meaning{Unknown, Sent, NotSent} {
		if certain[m] {
			st.alone = m
			break
		}
		if possible[m] {
			for _, s := range r.signs[m] {
				if s.Covers(code) {
					st.look(s.Conditions)
				}
			}
		}
	}
	if !st.onlyNot {
		for i := range r.handles {
			st.read(&r.handles[i])
		}
	}
	return st
}

func (st *status) look(conditions []Condition) {
	for i := range conditions {
		st.read(&conditions[i].Source)
	}
}

func (st *status) read(s *Source) {
	if s.kind == JSON {
		st.body = true
	} else {
		st.header = true
	}
}

func (r *Reader) of(code int) status {
	if code < firstStatus || code > lastStatus {
		return status{}
	}
	return r.statuses[code]
}

// ReadsBody reports whether the body of some answer has to be read. If it is
// false a status, or a header, tells all.
func (r *Reader) ReadsBody() bool {
	return slices.ContainsFunc(r.statuses[:], func(st status) bool { return st.body })
}

// ReadsStatus reports whether a status tells all there is to tell of any answer.
func (r *Reader) ReadsStatus() bool {
	return !slices.ContainsFunc(r.statuses[:], func(st status) bool { return st.body || st.header })
}

// ReadsHandles reports whether an answer may name what was begun.
func (r *Reader) ReadsHandles() bool { return len(r.handles) > 0 }

// Status says what an answer means of which nothing but the status is known:
// NotSent only if no answer of this status can mean anything else.
func (r *Reader) Status(code int) Meaning {
	switch st := r.of(code); {
	case st.onlyNot:
		return NotSent
	case !st.body && !st.header || st.alone == Sent && !r.possible(Unknown, code):
		return st.alone
	default:
		return Unknown
	}
}

func (r *Reader) possible(m Meaning, code int) bool {
	return slices.ContainsFunc(r.signs[m], func(s Sign) bool { return s.Covers(code) })
}

// NoAnswer says what it means that the app took the request and never answered
// it in full. The status is that of the answer that broke off, or 0.
func (r *Reader) NoAnswer(code int) Meaning {
	if r.possible(Sent, code) || r.possible(Unknown, code) {
		return Unknown
	}
	return r.noAnswer
}
