package risk

import (
	"testing"
	"time"
)

func TestBreaker(t *testing.T) {
	var b breaker
	at := now
	fail := func() bool {
		may, tries := b.enter(at)
		return may && b.failed(at, tries, 0)
	}
	for i := range breakerRow {
		if opened := fail(); opened != (i == breakerRow-1) {
			t.Fatalf("fault %d: opened %t", i+1, opened)
		}
	}
	// The pause doubles, up to the most.
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		at = at.Add(want*time.Second - 1)
		if may, _ := b.enter(at); may {
			t.Fatalf("asked before %ds", want)
		}
		at = at.Add(1)
		may, tries := b.enter(at)
		if again, _ := b.enter(at); !may || !tries || again {
			t.Fatalf("after %ds: may %t, tries %t, again %t", want, may, tries, again)
		}
		if b.failed(at, tries, 0) {
			t.Fatal("opened twice")
		}
	}
	// What was under way when it opened says nothing of how it is now.
	if b.answered(at, false) || b.failed(at, false, 0) {
		t.Error("heeded an old answer")
	}
	at = at.Add(pauseMost)
	if _, tries := b.enter(at); !tries || !b.answered(at, tries) {
		t.Error("did not close")
	}
	if open, opened := b.state(); open || opened != 1 {
		t.Errorf("open %t, opened %d times", open, opened)
	}
}

func TestBreakerOpensAtHalf(t *testing.T) {
	var b breaker
	for i := range breakerSample {
		if i%2 == 0 {
			b.answered(now, false)
		} else if opened := b.failed(now, false, 0); opened != (i == breakerSample-1) {
			t.Fatalf("question %d: opened %t", i+1, opened)
		}
	}
}

func TestBreakerForgets(t *testing.T) {
	var b breaker
	for i := range 10 * breakerSample {
		at := now.Add(time.Duration(i) * breakerSpan)
		b.answered(at, false)
		if b.failed(at, false, 0) {
			t.Fatal("opened at faults that are far apart")
		}
	}
}

func TestBreakerPauseIsBounded(t *testing.T) {
	var b breaker
	if !b.failed(now, false, 1000*time.Hour) {
		t.Fatal("did not open at once")
	}
	if may, _ := b.enter(now.Add(retryMost)); !may {
		t.Error("a Retry-After turns the service off for good")
	}
}
