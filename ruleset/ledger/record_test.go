package ledger

import "testing"

// Whatever a record says, reading it neither fails badly nor leaves a ledger
// that does.
func FuzzApply(f *testing.F) {
	l := NewEmbedded(AttemptColumns(4))
	var r record
	r.reset(recordLines)
	for i := range uint32(7) {
		kind := []uint64{free, logEntry, memberEntry, holdEntry, more, more, sumEntry}[i]
		r.line(i+1, &line{kind<<kindShift | 1, uint64(i), uint64(i), 1, 5, 1 << 30})
	}
	f.Add(r.kind, r.count, r.buf[recordHeader:])
	r.slots(Key{1, 2}, newSketch(minWindow, 4, 0, true), true)
	r.slot(3, &slot{1, 2, 3})
	f.Add(r.kind, r.count, r.buf[recordHeader:])
	r.reset(recordEnd)
	f.Add(r.kind, r.count, r.buf[recordHeader:])

	f.Fuzz(func(t *testing.T, kind uint32, count int, payload []byte) {
		if kind == recordLines {
			for i := 0; i+4 <= len(payload); i++ {
				payload[i+3] &= 0x80 // or it would ask for more memory than there is
				if i += 3; payload[i]&0x80 == 0 {
					i += lineBytes
				}
			}
		}
		l = NewEmbedded(AttemptColumns(4))
		l.lines.tracked = true
		if !l.apply(head{kind: kind, count: count % 100}, payload) || !l.rebuild() {
			return
		}
		tr := newTraffic(1)
		tr.at = tr.at.AddDate(100, 0, 0)
		for range 20 {
			if err := tr.call(l); err != nil {
				t.Fatal(err)
			}
		}
		l.sweep(len(l.lines.chunks) * chunkLines)
	})
}

func FuzzHeaders(f *testing.F) {
	var r record
	r.reset(recordEnd)
	f.Add(r.seal(7, 1, 2))
	f.Add(fileHead{kind: fileJournal, number: 3, seq: 4}.bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		parseHead(b)
		if h, wrong := parseFileHead(b); wrong == "" && string(h.bytes()[:56]) != string(b[:56]) {
			t.Fatalf("%+v is not %x", h, b)
		}
	})
}
