package ledgertest

import (
	"testing"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

func TestModel(t *testing.T) {
	Run(t, func(testing.TB) ledger.Ledger { return NewModel() })
}
