package ledger_test

import (
	"testing"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/ledger/ledgertest"
)

func TestEmbedded(t *testing.T) {
	ledgertest.Run(t, func(testing.TB) ledger.Ledger { return ledger.NewEmbedded(ledger.AttemptColumns(64)) })
}
