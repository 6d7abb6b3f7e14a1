//go:build race

package ledger_test

// The detector makes floods of one caller ten times as slow, and finds nothing
// in them.
const raced = true
