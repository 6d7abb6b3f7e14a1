package ledger

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
	"time"
)

// All that a ledger writes to disk is records: images of lines of the arena,
// or of slots of a sketch, as they were at one moment. Reading a record writes
// them back to where they were, so it does not matter how often it is read, and
// nothing depends on the limits, or on the code, of that day.
//
//	record  magic, length, seq, clock (2), kind, count, CRC of the payload, CRC of this
//	lines   count of: number, 64 bytes; or the number of a free line alone
//	slots   seed (2), window, columns, flags, count of: number, 64 bytes
//	end     nothing: it ends a snapshot
//
// Numbers are little-endian, checksums CRC-32C. A file begins with a header:
//
//	file    magic, version, kind, seed (2), number, seq, CRC
//
// Records of a journal are numbered without gaps, also from one journal to the
// next. The seq of a journal's header is that of the last record before it. A
// snapshot names the journal to go on with and its seq; its own records have
// none but for the end, which says what the journals must reach to complete it.
const (
	recordMagic  = 0x7264676c // "lgdr"
	recordHeader = 48

	fileMagic   = "otpgate ledger\n\x00"
	fileVersion = 2
	fileHeader  = 64

	lineBytes = 64
	freeLine  = 1 << 31 // beside the number: no image follows
	maxLine   = 1<<30 - 1

	slotsHeader = 32
)

const (
	recordLines uint32 = iota + 1
	recordSlots
	recordEnd
)

const (
	fileJournal uint32 = iota + 1
	fileSnapshot
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	le         = binary.LittleEndian
)

// record is one that is being written.
type record struct {
	buf   []byte
	kind  uint32
	count int
}

func (r *record) reset(kind uint32) {
	r.buf, r.kind, r.count = append(r.buf[:0], make([]byte, recordHeader)...), kind, 0
}

func (r *record) line(i uint32, e *line) {
	r.count++
	if e.kind() == free {
		r.buf = le.AppendUint32(r.buf, i|freeLine)
		return
	}
	r.buf = le.AppendUint32(r.buf, i)
	for _, w := range e {
		r.buf = le.AppendUint64(r.buf, w)
	}
}

// slots begins a record of slots. Fresh says that what an earlier record has of
// this sketch is of another, which is gone.
func (r *record) slots(seed Key, s *sketch, fresh bool) {
	r.reset(recordSlots)
	r.buf = le.AppendUint64(r.buf, seed[0])
	r.buf = le.AppendUint64(r.buf, seed[1])
	r.buf = le.AppendUint64(r.buf, uint64(s.window))
	columns := uint32(len(s.rows[0]))
	if fresh {
		columns |= freshSketch
	}
	r.buf = le.AppendUint32(r.buf, columns)
	r.buf = le.AppendUint32(r.buf, 0)
}

const freshSketch = 1 << 31

func (r *record) slot(i int, s *slot) {
	r.count++
	r.buf = le.AppendUint32(r.buf, uint32(i))
	for _, w := range s {
		r.buf = le.AppendUint32(r.buf, w)
	}
}

// seal fills in the header.
func (r *record) seal(seq uint64, now, event int64) []byte {
	h := r.buf[:recordHeader]
	le.PutUint32(h[0:], recordMagic)
	le.PutUint32(h[4:], uint32(len(r.buf)-recordHeader))
	le.PutUint64(h[8:], seq)
	le.PutUint64(h[16:], uint64(now))
	le.PutUint64(h[24:], uint64(event))
	le.PutUint32(h[32:], r.kind)
	le.PutUint32(h[36:], uint32(r.count))
	le.PutUint32(h[40:], crc32.Checksum(r.buf[recordHeader:], castagnoli))
	le.PutUint32(h[44:], crc32.Checksum(h[:44], castagnoli))
	return r.buf
}

// head is a record's header that has been read.
type head struct {
	length     int64
	seq        uint64
	now, event int64
	kind       uint32
	count      int
	sum        uint32
}

// parseHead reads a header and reports whether it is one.
func parseHead(h []byte) (head, bool) {
	if len(h) < recordHeader || le.Uint32(h) != recordMagic || le.Uint32(h[44:]) != crc32.Checksum(h[:44], castagnoli) {
		return head{}, false
	}
	return head{
		length: int64(le.Uint32(h[4:])),
		seq:    le.Uint64(h[8:]),
		now:    int64(le.Uint64(h[16:])),
		event:  int64(le.Uint64(h[24:])),
		kind:   le.Uint32(h[32:]),
		count:  int(le.Uint32(h[36:])),
		sum:    le.Uint32(h[40:]),
	}, true
}

// apply writes what a record holds back to memory, and reports whether it
// could be understood.
func (l *Embedded) apply(h head, payload []byte) bool {
	l.clock.now, l.clock.event = max(l.clock.now, h.now), max(l.clock.event, h.event)
	switch h.kind {
	case recordLines:
		return l.applyLines(h.count, payload)
	case recordSlots:
		return l.applySlots(h.count, payload)
	case recordEnd:
		return len(payload) == 0
	}
	return false
}

func (l *Embedded) applyLines(count int, payload []byte) bool {
	for range count {
		if len(payload) < 4 {
			return false
		}
		i := le.Uint32(payload)
		payload = payload[4:]
		isFree := i&freeLine != 0
		if i &^= freeLine; i == 0 || i > maxLine {
			return false
		}
		for int(i>>chunkBits) >= len(l.lines.chunks) {
			l.lines.grow()
		}
		e := l.lines.at(i)
		if isFree {
			*e = line{}
			continue
		}
		if len(payload) < lineBytes {
			return false
		}
		for w := range e {
			e[w] = le.Uint64(payload[8*w:])
		}
		payload = payload[lineBytes:]
	}
	return len(payload) == 0
}

func (l *Embedded) applySlots(count int, payload []byte) bool {
	if len(payload) != slotsHeader+count*(4+slotBytes) {
		return false
	}
	seed := Key{le.Uint64(payload), le.Uint64(payload[8:])}
	window := time.Duration(le.Uint64(payload[16:]))
	columns := le.Uint32(payload[24:])
	fresh := columns&freshSketch != 0
	columns &^= freshSketch
	if columns > 1<<16 || bits.OnesCount32(columns) != 1 || window < minWindow || window > maxWindow {
		return false
	}
	s := l.loaded(seed, window, int(columns), fresh)
	for payload = payload[slotsHeader:]; len(payload) > 0; payload = payload[4+slotBytes:] {
		i := le.Uint32(payload)
		if i >= attemptRows*columns {
			return false
		}
		slot := &s.rows[i/columns][i%columns]
		for w := range slot {
			slot[w] = le.Uint32(payload[4+4*w:])
		}
	}
	return true
}

// loaded returns the sketch that a record is of.
func (l *Embedded) loaded(seed Key, window time.Duration, columns int, fresh bool) *sketch {
	all := l.attempts[seed]
	if all == nil {
		all = new(attempts)
		l.attempts[seed] = all
	}
	for i, s := range *all {
		if s.window != window {
			continue
		}
		if fresh || len(s.rows[0]) != columns {
			(*all)[i] = newSketch(window, columns, 0, true)
		}
		return (*all)[i]
	}
	*all = append(*all, newSketch(window, columns, 0, true))
	return (*all)[len(*all)-1]
}
