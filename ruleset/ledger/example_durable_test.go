package ledger_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

func ExampleOpenEmbedded() {
	dir, err := os.MkdirTemp("", "ledger")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	phone := &ledger.Tally{Seed: ledger.Key{1}, Name: "phone", Limits: []ledger.Limit{
		{Name: "phone: 1 in 60s", Max: 1, Window: time.Minute},
	}}
	charges := []ledger.Charge{{Tally: phone, Key: ledger.Key{2, 3}}}
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for life := range 2 {
		l, err := ledger.OpenEmbedded(dir)
		if err != nil {
			panic(err)
		}
		var a ledger.Answer
		if err := l.Reserve(context.Background(), at.Add(time.Duration(life)*time.Second), ledger.ID{byte(life + 1)}, charges, &a); err != nil {
			panic(err)
		}
		fmt.Println(l.Recovery().Keys, a.Refused, a.Short.Wait)
		if err := l.Close(); err != nil {
			panic(err)
		}
	}
	// Output:
	// 0 false 0s
	// 1 true 59s
}
