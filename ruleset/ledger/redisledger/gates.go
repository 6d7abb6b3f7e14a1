package redisledger

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/binary"
	"errors"
	"sync"
	"time"
)

//go:embed gates.lua
var gatesLua string

const (
	announceEvery = 10 * time.Second
	countedFor    = 10 * time.Minute
	patience      = announceEvery * 3 / 2 // for other gates to put back theirs
)

type gateID [16]byte

// gates are those that share a ledger, as this one knows them. Each announces
// itself in one key of the ledger, with a mark that says on which servers, and
// on which data there, it has put back everything that it remembers.
type gates struct {
	me gateID

	mu      sync.Mutex
	counts  []gateCount // of the last ten minutes
	others  []gateID    // when all was well last
	reached time.Time   // the latest announcement
	mark    uint64      // of that
}

type gateCount struct {
	at time.Time
	n  int
}

// presence is what one announcement has found.
type presence map[gateID]uint64 // and their marks

func newGates() *gates {
	g := new(gates)
	_, _ = rand.Read(g.me[:])
	return g
}

// announce tells the others that this gate is there, or, with a nil mark, that
// it goes.
func (l *Ledger) announce(who gateID, mark []byte) (presence, error) {
	ctx, end := context.WithTimeout(context.Background(), l.address.timeout)
	defer end()
	is, err := l.client.Eval(ctx, gatesLua, []string{l.parts[0].prefix + "gates"}, who[:], mark).Text()
	if err != nil {
		return nil, plain(err)
	}
	if len(is)%32 != 0 {
		return nil, errors.New("the list of gates is malformed")
	}
	there := make(presence)
	for ; len(is) > 0; is = is[32:] {
		there[gateID([]byte(is[:16]))] = binary.LittleEndian.Uint64([]byte(is[16:24]))
	}
	return there, nil
}

// count notes how many gates there are.
func (g *gates) count(now time.Time, there presence) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.reached, g.mark = now, there[g.me]
	for len(g.counts) > 0 && now.Sub(g.counts[0].at) > countedFor {
		g.counts = g.counts[1:]
	}
	// A count is of no use once one that is not lower has come after it.
	for len(g.counts) > 0 && g.counts[len(g.counts)-1].n <= len(there) {
		g.counts = g.counts[:len(g.counts)-1]
	}
	g.counts = append(g.counts, gateCount{now, len(there)})
}

// highest is the highest number of the last ten minutes before the server was
// reached last, 0 if it never was.
func (g *gates) highest() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.counts) == 0 {
		return 0
	}
	return g.counts[0].n
}

// know notes who is to be waited for after the next change.
func (g *gates) know(there presence) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.others = g.others[:0]
	for id := range there {
		if id != g.me {
			g.others = append(g.others, id)
		}
	}
}

// missing is how many of the gates that were known have not put back theirs.
func (g *gates) missing(there presence) (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, id := range g.others {
		if mark, ok := there[id]; !ok || mark != there[g.me] {
			n++
		}
	}
	return n
}

// due reports whether the gate is to announce itself, with a mark.
func (g *gates) due(now time.Time, mark uint64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return mark != g.mark || now.Sub(g.reached) >= announceEvery
}
