package phone

// instructions run over digits like a regular expression that is anchored at
// its beginning: alternatives in order, the first way that matches wins.

type op uint8

const (
	opFail   op = iota
	opMatch     // done
	opDigit     // reads one digit of a set
	opEither    // tries next, then other
	opOpen      // the group begins
	opClose     // the group ends
	opEnd       // holds at the end of the digits
)

type instruction struct {
	op          op
	digits      uint16 // bit d: digit d is in the set
	next, other uint16
}

// A match is what a program has read: number[:end], and within it its last
// group, which is number[open:close], and none if close is 0.
type match struct {
	end, open, close int
}

// run returns what the program that starts at pc matches at the beginning of
// number. Programs have no loops, so that it ends.
func run(pc uint16, number []byte) (match, bool) {
	var m match
	ok := m.step(pc, number, 0)
	return m, ok
}

func (m *match) step(pc uint16, number []byte, at int) bool {
	for {
		in := &instructions[pc]
		switch in.op {
		case opMatch:
			m.end = at
			return true
		case opDigit:
			if at == len(number) || in.digits>>number[at]&1 == 0 {
				return false
			}
			at++
		case opEither:
			before := *m
			if m.step(in.next, number, at) {
				return true
			}
			*m = before
			pc = in.other
			continue
		case opOpen:
			m.open = at
		case opClose:
			m.close = at
		case opEnd:
			if at != len(number) {
				return false
			}
		default:
			return false
		}
		pc = in.next
	}
}
