package redisledger

import (
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// However many notes are made, so many are kept: the latest, and those that the
// server was never told before all others.
func TestNotesAreBounded(t *testing.T) {
	var k keptNotes
	now := time.Now()
	add := func(key uint64, waiting bool, life time.Duration) {
		k.add(keptNote{key: ledger.Key{key}, made: now, end: now.Add(life), waiting: waiting})
	}
	for key := range uint64(1000) {
		add(key, true, time.Hour)
	}
	for key := range uint64(3 * notesMost) {
		add(1000+key, false, time.Hour)
		add(1000+key, false, time.Hour)
	}
	if len(k.entries) > notesMost || len(k.order) > 2*notesMost || k.waiting() != 1000 || k.forgotten != 0 || len(k.some(true)) != 1000 {
		t.Errorf("%d notes, %d in order, %d waiting, %d forgotten", len(k.entries), len(k.order), k.waiting(), k.forgotten)
	}
	if k.entries[ledger.Key{1000 + 3*notesMost - 1}] == nil {
		t.Error("the latest is not kept")
	}
	for key := range uint64(2 * notesMost) {
		add(1<<32+key, true, time.Hour)
	}
	if len(k.entries) > notesMost || k.waiting() != len(k.some(true)) || k.forgotten == 0 || k.entries[ledger.Key{0}] != nil {
		t.Errorf("%d notes, %d waiting, %d forgotten", len(k.entries), k.waiting(), k.forgotten)
	}
	for _, n := range k.some(true) {
		k.confirm(&n)
	}
	if k.waiting() != 0 {
		t.Errorf("%d are still waiting", k.waiting())
	}
	// What has ended goes first.
	k = keptNotes{}
	for key := range uint64(notesMost) {
		add(key, false, time.Duration(key%2)*time.Hour)
	}
	add(1<<32, false, time.Hour)
	if len(k.entries) != notesMost/2+1 {
		t.Errorf("%d notes, want the half that has not ended", len(k.entries))
	}
}
