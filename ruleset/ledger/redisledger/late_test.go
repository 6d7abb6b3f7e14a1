package redisledger

import (
	"context"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger/redistest"
)

var once1 = &ledger.Tally{Seed: ledger.Key{1, 1}, Name: "once", Limits: []ledger.Limit{{Max: 1, Window: time.Hour}}}

func onceCharges(key uint64) []ledger.Charge {
	return []ledger.Charge{{Tally: once1, Key: ledger.Key{key, key}}}
}

// sendCharge sends the script by hand, with a deadline that the server's clock
// is to have.
func sendCharge(t *testing.T, l *Ledger, deadline string, id ledger.ID, charges []ledger.Charge) []int64 {
	t.Helper()
	args := make([]any, 3, 20)
	args = l.parts[0].names(args, id, charges)
	sh := l.shapes.of(reserve, charges)
	args[0], args[1], args[2] = "eval", sh.script.text, len(args)-3
	held, own := sh.data(time.Now(), charges)
	args = append(args, deadline, "", held, own)
	reply, err := l.client.UniversalClient.Do(context.Background(), args...).Int64Slice()
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

func openAt(t *testing.T, url string) *Ledger {
	t.Helper()
	l, err := Open(Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestLateScriptTakesNothing(t *testing.T) {
	s := redistest.Start(t)
	l := openAt(t, "redis://"+s.Addr)
	past := formatInt(time.Now().Add(-time.Millisecond).UnixMicro())
	if reply := sendCharge(t, l, past, ledger.ID{1}, onceCharges(1)); reply[0] != replyLate {
		t.Fatalf("a late script replied %d", reply[0])
	}
	if n := s.Do("DBSIZE"); n != int64(0) {
		t.Errorf("a late script has written %v keys", n)
	}
	future := formatInt(time.Now().Add(time.Minute).UnixMicro())
	for _, want := range []int64{replyDone, replyBefore, replyBefore} { // the same, sent twice more
		if reply := sendCharge(t, l, future, ledger.ID{1}, onceCharges(1)); reply[0] != want {
			t.Errorf("replied %d, want %d", reply[0], want)
		}
	}
	if reply := sendCharge(t, l, future, ledger.ID{2}, onceCharges(1)); reply[0] != replyRefused {
		t.Errorf("replied %d, want a refusal", reply[0])
	}
}

// A deadline by the server's clock is never later than the caller's.
func TestServerClock(t *testing.T) {
	var c serverClock
	at := func(ms int) time.Time { return base.Add(time.Duration(ms) * time.Millisecond) }
	if c.deadline(at(1000)) != 0 {
		t.Error("a deadline before any reply")
	}
	const ahead = 5_000_000 // µs
	server := func(ms int) int64 { return int64(ms)*1000 + ahead }
	c.saw(at(0), at(40), server(1)) // a slow reply
	if d := c.deadline(at(100)); d > server(100) || d < server(60) {
		t.Errorf("off by %d µs", d-server(100))
	}
	c.saw(at(50), at(51), server(50)) // a fast one is better
	good := c.deadline(at(100))
	if good > server(100) || good < server(98) {
		t.Errorf("off by %d µs", good-server(100))
	}
	c.saw(at(60), at(99), server(61)) // and stays
	if c.deadline(at(100)) != good {
		t.Error("a slow reply has made it worse")
	}
	c.saw(at(110), at(111), server(110)-2_000_000) // the server's clock was set back
	if d := c.deadline(at(200)); d > server(200)-2_000_000 {
		t.Errorf("off by %d µs after the clock was set back", d-server(200)+2_000_000)
	}
	c.saw(at(120), at(121), server(120)+3_000_000) // and forward
	if d := c.deadline(at(200)); d > server(200)+3_000_000 || d < server(198)+3_000_000 {
		t.Errorf("off by %d µs after the clock was set forward", d-server(200)-3_000_000)
	}
}

// A server whose clock is set back makes no window shorter.
func TestClockSetBack(t *testing.T) {
	s := redistest.Start(t)
	l := openAt(t, "redis://"+s.Addr)
	c := s.Client()
	defer c.Close()
	ctx := context.Background()
	var a ledger.Answer
	if err := l.Reserve(ctx, time.Now(), ledger.ID{1}, onceCharges(1), &a); err != nil || a.Refused {
		t.Fatal(err, a.Refused)
	}
	// As if all of this had happened ten minutes from now.
	key := l.parts[0].clock
	value := []byte(c.Get(ctx, key).Val())
	ahead := float64(time.Now().Add(10 * time.Minute).UnixMilli())
	copy(value, appendFloat(nil, ahead))
	c.Set(ctx, key, value, time.Hour)
	for i := range 2 {
		if err := l.Reserve(ctx, time.Now(), ledger.ID{2 + byte(i)}, onceCharges(2), &a); err != nil {
			t.Fatal(err)
		}
		if a.Refused != (i == 1) {
			t.Fatalf("reservation %d: refused %t", i, a.Refused)
		}
	}
	if a.Short.Wait < time.Hour || a.Short.Wait > time.Hour+2*time.Second {
		t.Errorf("wait of %s, want an hour of standing time", a.Short.Wait)
	}
	if got := c.Get(ctx, key).Val(); got != string(value) {
		t.Error("the clock has moved while time stands still")
	}
	if ttl := c.PTTL(ctx, l.parts[0].prefix+base64url.EncodeToString([]byte{0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2})).Val(); ttl < time.Hour {
		t.Errorf("the key expires in %s", ttl)
	}
}

func TestBreaker(t *testing.T) {
	at := func(ms int) time.Time { return base.Add(time.Duration(ms) * time.Millisecond) }
	fresh := func() *breaker { return &breaker{stop: make(chan struct{})} }

	b := fresh()
	if !b.failed(at(100), at(150), true) || !b.open.Load() {
		t.Error("closed after a timeout without any answer")
	}
	b = fresh()
	b.answered(at(120))
	if b.failed(at(100), at(150), true) {
		t.Error("open after a timeout while others had answers")
	}
	b = fresh()
	for i := range 4 {
		if b.failed(at(i), at(i), false) {
			t.Fatalf("open after %d failures", i+1)
		}
	}
	if !b.failed(at(5), at(5), false) {
		t.Error("closed after five failures in a row")
	}
	b = fresh()
	opened := 0
	for i := range 40 {
		b.answered(at(2000 + 20*i))
		if b.failed(at(2000+20*i-1), at(2000+20*i+1), false) {
			opened++
		}
	}
	if opened != 1 {
		t.Errorf("opened %d times while half of the calls failed, want once", opened)
	}
	b = fresh()
	for i := range 1000 {
		b.answered(at(3000 + 3*i))
		if i%50 == 0 && b.failed(at(3000+3*i-1), at(3000+3*i+1), false) {
			t.Fatal("open after one failure of 50")
		}
	}
}

func BenchmarkDenied(b *testing.B) {
	var d deniedCache
	tally := &ledger.Tally{Count: ledger.Requests, Limits: []ledger.Limit{{Max: 1, Window: time.Hour}}}
	charges := []ledger.Charge{{Tally: tally, Key: ledger.Key{7, 7}}}
	d.remember(time.Now(), &charges[0], &ledger.Short{Tally: tally, Wait: time.Hour})
	at := int64(time.Since(base))
	var a ledger.Answer
	b.ReportAllocs()
	for b.Loop() {
		if !d.find(at, charges, &a) {
			b.Fatal("not found")
		}
	}
}
