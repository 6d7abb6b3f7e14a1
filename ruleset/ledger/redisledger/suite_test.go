package redisledger_test

import (
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/ledger/ledgertest"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger/redistest"
)

// stories gives each story of the suite a ledger of its own on one server.
func stories(url string) func(testing.TB) ledger.Ledger {
	var n atomic.Int64
	return func(t testing.TB) ledger.Ledger {
		return redisledger.OpenInCallersTime(t, redisledger.Config{URL: url, Name: "story" + strconv.FormatInt(n.Add(1), 10)})
	}
}

func TestSuite(t *testing.T) {
	s := redistest.Start(t)
	ledgertest.Run(t, stories("redis://"+s.Addr+"/1?timeout=5s"))
}

func TestSuiteSentinel(t *testing.T) {
	r := redistest.StartSentinel(t, 1)
	ledgertest.Run(t, stories(r.URL()+"?timeout=5s"))
}

func TestSuiteCluster(t *testing.T) {
	c := redistest.StartCluster(t, 3, 0)
	t.Run("one tag", func(t *testing.T) { ledgertest.Run(t, stories(c.URL()+"?timeout=5s")) })
	t.Run("spread", func(t *testing.T) { ledgertest.RunSpread(t, stories(c.URL()+"?timeout=5s&spread=16")) })
}
